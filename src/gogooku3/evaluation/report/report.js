"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const chooser = document.getElementById("target");
  const root = document.documentElement;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function layout(width, more) {
    const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--quiet"), linecolor: colour("--grid"), automargin: true };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--text"), family: "system-ui, sans-serif", size: 12 },
      margin: { l: 48, r: 12, t: 34, b: 36 }, hovermode: "x unified",
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, showlegend: true,
      xaxis: { ...axis }, yaxis: { ...axis, ...more.yaxis },
    };
    if (more.xaxis) base.xaxis = { ...base.xaxis, ...more.xaxis };
    if (width) base.width = width;
    return base;
  }

  function styled(model, index) {
    return model.benchmark
      ? { color: colour("--bench"), dash: "dash" }
      : { color: colour("--c" + (index % 6)), dash: "solid" };
  }

  function lines(target, field, options) {
    const traces = [];
    data.models.forEach((model, index) => {
      const series = target.models[model.name];
      if (!series) return;
      const style = styled(model, index);
      traces.push({
        type: "scatter", mode: "lines", name: plain(model.name) + (options.suffix || ""), x: data.dates, y: series[field],
        connectgaps: true, visible: model.benchmark && options.hideBenchmark ? "legendonly" : true,
        line: { color: style.color, dash: options.dash || style.dash, width: options.width || 2 },
        hovertemplate: "%{y:" + options.format + "}",
      });
    });
    return traces;
  }

  function bars(target) {
    return data.models.filter((model) => target.models[model.name]).map((model) => {
      const values = target.models[model.name].deciles;
      return {
        type: "bar", name: plain(model.name), x: values.map((_, i) => i + 1), y: values,
        visible: model.benchmark ? "legendonly" : true,
        marker: { color: styled(model, data.models.indexOf(model)).color }, hovertemplate: "%{y:.3f} %",
      };
    });
  }

  function attainable(target) {
    if (!target.attainable) return [];
    return [{
      type: "scatter", mode: "lines", name: "attainable", x: data.dates, y: target.attainable,
      line: { color: colour("--bench"), dash: "dash", width: 2 }, hovertemplate: "%{y:.2f}",
    }];
  }

  function draw(width) {
    const target = data.targets[chooser.value];
    const plots = {
      rank_ic: [lines(target, "rank_ic", { format: ".2f" }).concat(attainable(target)), { yaxis: { title: { text: "sum of RankIC" } } }],
      deciles: [bars(target), { yaxis: { title: { text: "mean return" }, ticksuffix: " %" }, xaxis: { dtick: 1, title: { text: "decile, 1 lowest scores" } } }],
      equity: [
        lines(target, "net", { format: ".3f", suffix: ", net", hideBenchmark: true })
          .concat(lines(target, "gross", { format: ".3f", suffix: ", gross", dash: "dot", width: 1.3, hideBenchmark: true })),
        { yaxis: { title: { text: "equity" } } },
      ],
      drawdown: [lines(target, "drawdown", { format: ".1f", width: 1.5, hideBenchmark: true }), { yaxis: { title: { text: "below peak" }, ticksuffix: " %" } }],
      coverage: [lines(target, "coverage", { format: ".1f", width: 1.5, hideBenchmark: true }), { yaxis: { title: { text: "of the universe" }, ticksuffix: " %", rangemode: "tozero" } }],
    };
    for (const [name, [traces, more]] of Object.entries(plots)) {
      Plotly.react("plot-" + name, traces, layout(width, more), { displaylogo: false, responsive: !width, displayModeBar: false });
    }
    document.querySelectorAll(".years").forEach((table) => { table.hidden = table.dataset.target !== chooser.value; });
    const chosen = chooser.options[chooser.selectedIndex].text;
    document.querySelectorAll(".of").forEach((span) => { span.textContent = " · " + chosen; });
  }

  chooser.value = data.first;
  if (data.stride > 1) {
    document.getElementById("thinned").textContent = "Lines show one session in " + data.stride + " to keep the page small.";
  }
  chooser.addEventListener("change", () => draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => { root.dataset.print = "yes"; draw(680); });
  addEventListener("afterprint", () => { delete root.dataset.print; draw(); });
  draw();
})();
