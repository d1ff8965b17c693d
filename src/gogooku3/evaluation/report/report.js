"use strict";
(function () {
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const PRINTED = 680;
  const DASHES = ["solid", "dashdot", "longdash"];

  function layout(width, more) {
    const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--quiet"), linecolor: colour("--grid"), automargin: true };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--text"), family: "system-ui, sans-serif", size: 12 },
      margin: { l: 48, r: 12, t: 34, b: 36 }, hovermode: "x unified",
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, showlegend: true,
      xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis },
    };
    if (width) base.width = width;
    return base;
  }

  const rounded = (value) => String(Number(value.toPrecision(3)));

  // What a plot shows, for who cannot see it: few points one by one, of many the last, lowest and highest.
  function told(trace) {
    const points = trace.x.map((x, i) => [x, trace.y[i]]).filter((point) => point[1] !== null && point[1] !== undefined);
    if (!points.length) return trace.label + ": nothing";
    const values = points.map((point) => point[1]);
    if (points.length <= 16) return trace.label + ": " + points.map(([x, y]) => rounded(y) + " at " + x).join(", ");
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    return trace.label + ": " + rounded(values[values.length - 1]) + " at the end, between " + rounded(low) + " and " + rounded(high);
  }

  function report(data, prefix) {
    const at = (id) => document.getElementById(prefix + id);
    const chooser = at("target");

    function styled(model) {
      const index = data.models.filter((one) => !one.benchmark).indexOf(model);
      return model.benchmark
        ? { color: colour("--bench"), dash: "dash" }
        : { color: colour("--c" + (index % 6)), dash: DASHES[Math.floor(index / 6) % DASHES.length] };
    }

    function traces(target, options) {
      const found = [];
      for (const model of data.models) {
        const series = target.models[model.name] && options.of(target.models[model.name]);
        if (!series || !series.y.length) continue;
        const style = styled(model);
        const label = model.name + (options.suffix || "");
        found.push({
          type: options.type || "scatter", mode: options.mode || "lines", name: plain(label), label, x: series.x, y: series.y,
          connectgaps: true, visible: model.benchmark && options.hideBenchmark ? "legendonly" : true,
          line: { color: style.color, dash: options.dash || style.dash, width: options.width || 2 },
          marker: { color: style.color, size: 7 }, hovertemplate: "%{y:" + options.format + "}",
          ...(series.up ? { error_y: { array: series.up, arrayminus: series.down, symmetric: false, color: style.color, thickness: 1.2 } } : {}),
        });
      }
      return found;
    }

    function attainable(target) {
      if (!target.attainable) return [];
      return [{
        type: "scatter", mode: "lines", name: "attainable", label: "attainable", x: data.dates, y: target.attainable,
        line: { color: colour("--bench"), dash: "dash", width: 2 }, hovertemplate: "%{y:.2f}",
      }];
    }

    const daily = (field) => (model) => ({ x: data.dates, y: model[field] });
    const costs = (field) => (model) => model[field] && { x: data.costs, y: model[field] };
    const axis = (text, more) => ({ title: { text }, ...more });
    // Ticks at the horizons, but none so near the one before that their texts would touch.
    const horizons = (t) => [...new Set(Object.values(t.models).flatMap((m) => (m.decay ? m.decay.x : [])))]
      .sort((one, two) => one - two)
      .reduce((kept, x) => (kept.length && x < 1.4 * kept[kept.length - 1] ? kept : [...kept, x]), []);
    const kinds = {
      rank_ic: (t) => [traces(t, { of: daily("rank_ic"), format: ".2f" }).concat(attainable(t)), { yaxis: axis("sum of RankIC") }],
      deciles: (t) => [
        traces(t, { of: (m) => ({ x: m.deciles.map((_, i) => i + 1), y: m.deciles }), type: "bar", format: ".3f", hideBenchmark: true }),
        { yaxis: axis("mean return", { ticksuffix: " %" }), xaxis: axis("decile, 1 lowest scores", { dtick: 1 }) },
      ],
      decay: (t) => [
        traces(t, { of: (m) => m.decay, mode: "lines+markers", format: ".3f", hideBenchmark: true }),
        { yaxis: axis("RankIC", { rangemode: "tozero" }), xaxis: axis("horizon, sessions", { type: "log", tickvals: horizons(t), ticktext: horizons(t).map(String) }) },
      ],
      size: (t) => [
        traces(t, { of: (m) => m.size, type: "bar", format: ".3f", hideBenchmark: true }),
        { yaxis: axis("RankIC"), xaxis: axis("size bucket", { type: "category" }) },
      ],
      equity: (t) => [
        traces(t, { of: daily("net"), format: ".3f", suffix: ", net", hideBenchmark: true })
          .concat(traces(t, { of: daily("gross"), format: ".3f", suffix: ", gross", dash: "dot", width: 1.3, hideBenchmark: true })),
        { yaxis: axis("equity") },
      ],
      cost: (t) => [
        traces(t, { of: costs("cost"), format: ".2f", hideBenchmark: true })
          .concat(traces(t, { of: costs("cost_long"), format: ".2f", suffix: ", long only", dash: "dot", width: 1.5, hideBenchmark: true })),
        { yaxis: axis("net Sharpe ratio, annual"), xaxis: axis("cost", { ticksuffix: " bps" }) },
      ],
      capacity: (t) => [
        traces(t, { of: (m) => m.capacity, mode: "lines+markers", format: ".1f", hideBenchmark: true }),
        { yaxis: axis("net return a year", { ticksuffix: " %" }), xaxis: axis("capital", { type: "log", dtick: 1, exponentformat: "B" }) },
      ],
      drawdown: (t) => [
        traces(t, { of: daily("drawdown"), format: ".1f", width: 1.5, hideBenchmark: true }),
        { yaxis: axis("below peak", { ticksuffix: " %" }) },
      ],
      coverage: (t) => [
        traces(t, { of: daily("coverage"), format: ".1f", width: 1.5, hideBenchmark: true }),
        { yaxis: axis("of the universe", { ticksuffix: " %", rangemode: "tozero" }) },
      ],
    };

    const chosen = () => chooser.options[chooser.selectedIndex].text;

    function draw(name, width) {
      const place = at("plot-" + name);
      const [shown, more] = kinds[name](data.targets[chooser.value]);
      Plotly.react(place, shown, layout(width, more), { displaylogo: false, responsive: true, displayModeBar: false });
      const lines = shown.filter((trace) => trace.visible !== "legendonly").map(told);
      place.setAttribute("aria-label", place.dataset.title + ", " + chosen() + ". " + (lines.join(". ") || "Nothing is known") + ".");
    }

    function choose() {
      document.querySelectorAll(".years[data-run='" + prefix + "']").forEach((table) => {
        table.hidden = table.dataset.target !== chooser.value;
      });
      [at("plots").closest("section"), at("chosen")].forEach((place) => place.querySelectorAll(".of").forEach((span) => {
        span.textContent = " · " + chosen();
      }));
    }

    const drawable = Object.keys(kinds).filter((name) => at("plot-" + name));
    chooser.value = data.first;
    if (data.stride > 1) {
      at("thinned").textContent = "Lines show one session in " + data.stride + " to keep the page small.";
      at("thinned").hidden = false;
    }
    chooser.addEventListener("change", () => {
      choose();
      drawable.forEach((name) => draw(name));
      at("said").textContent = "Plots and years now show " + chosen() + ".";
      boxes();
    });
    choose();
    return drawable.map((name) => (width) => draw(name, width));
  }

  // A box that does not scroll is no stop for the keyboard.
  function boxes() {
    document.querySelectorAll(".scroll").forEach((box) => {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      if (scrolls) { box.tabIndex = 0; box.setAttribute("role", "region"); }
      else { box.removeAttribute("tabindex"); box.removeAttribute("role"); }
    });
  }

  const waiting = JSON.parse(document.getElementById("data").textContent)
    .flatMap((data, index) => report(data, "r" + (index + 1) + "-"));
  const all = [...waiting];
  function next() {
    const job = waiting.shift();
    if (!job) { root.dataset.drawn = "yes"; return; }
    job();
    setTimeout(next);
  }
  function again(width) { waiting.length = 0; root.dataset.drawn = "yes"; all.forEach((job) => job(width)); }

  let folded = [];
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again());
  addEventListener("beforeprint", () => {
    root.dataset.print = "yes";
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((one) => { one.open = true; });
    again(PRINTED);
  });
  addEventListener("afterprint", () => {
    delete root.dataset.print;
    folded.forEach((one) => { one.open = false; });
    again();
  });
  addEventListener("resize", boxes);
  document.addEventListener("toggle", boxes, true);
  boxes();
  next();
})();
