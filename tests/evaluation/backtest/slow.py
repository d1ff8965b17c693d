"""The oracle: one stock, one order, one payment at a time, in dictionaries; written from the definitions alone."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np


def trailing_cost_inputs(tape, window: int):
    """Volatility and average turnover of the sessions before each, by slicing."""
    days, stocks = tape.link.shape
    sigma, volume = np.full((days, stocks), np.nan), np.full((days, stocks), np.nan)
    held = np.isfinite(tape.close).any(axis=1)
    for d in range(days):
        past = slice(max(0, d - window), d)
        for n in range(stocks):
            moves = tape.link[past, n]
            moves = np.log(moves[np.isfinite(moves)])
            if len(moves) >= window // 2:
                sigma[d, n] = moves.std(ddof=1)
            if held[past].sum() >= window // 2:
                volume[d, n] = np.nansum(np.rint(tape.turnover[past, n])) / held[past].sum()
    for grid, share in ((sigma, 0.95), (volume, 0.05)):
        for d in range(days):
            good = grid[d] > 1e-15
            if good.any():
                grid[d, ~good] = np.quantile(grid[d, good], share)
    return sigma, volume


class SlowBook:
    """Runs either books on targets that are given."""

    def __init__(self, tape, settings, targets, spread=None) -> None:
        self.tape, self.s, self.targets, self.spread = tape, settings, targets, spread
        self.cash_books = settings.account.books == "cash"
        self.h, self.lag = settings.schedule.holding, settings.schedule.lag
        self.at_open = settings.schedule.entry == "open"
        self.sigma = self.adv = None
        if settings.needs_capital:
            self.sigma, self.adv = trailing_cost_inputs(tape, settings.costs.window)
        self.days, self.stocks = tape.link.shape
        self.plan = [defaultdict(float) for _ in range(self.h)]  # shares (cash) or value (weights)
        self.shares: dict[int, float] = {}
        self.price: dict[int, float] = {}
        self.cash = settings.account.capital if self.cash_books else None
        self.rows = [defaultdict(float) for _ in range(self.days)]
        self.trades: list[tuple] = []
        self.flows: list[tuple] = []
        self.holdings: list[dict[int, float]] = []

    # --- what can be traded -------------------------------------------------------------------------------
    def blocked(self, d, n):
        t = self.tape
        bar = [t.open[d, n], t.high[d, n], t.low[d, n], t.close[d, n]]
        if math.isnan(bar[3]) or math.isnan(t.link[d, n]) or not t.volume[d, n] > 0:
            return "halted"
        if self.at_open and math.isnan(bar[0]):
            return "halted"
        limit = self.s.fills.limit_move
        if limit is not None and len(set(bar)) == 1 and abs(t.link[d, n] - 1) >= limit:
            return "locked"
        return None

    def cost(self, d, n, value):
        """Costs in the unit of ``value``: currency, or shares of the equity with a constant capital."""
        c = self.s.costs
        if value == 0:
            return 0.0, 0.0, 0.0
        half = self.spread[d, n] if self.spread is not None else 0.0
        impact = 0.0
        if self.s.needs_capital:
            share = value * (1.0 if self.cash_books else self.s.account.capital) / self.adv[d, n]
            if c.impact == "power":
                impact = (
                    value
                    * self.sigma[d, n]
                    * (c.impact_gamma / 2 * share + c.impact_eta * share**c.impact_exponent)
                )
        return value * c.bps / 1e4, value * half, impact

    def limit(self, d, n):
        if not self.s.needs_capital:
            return math.inf
        if not (self.sigma[d, n] > 0 and self.adv[d, n] > 0):
            return 0.0
        most = self.s.fills.max_participation
        return math.inf if most is None else most * self.adv[d, n]

    def lends(self, d, n):
        return self.tape.borrowable is None or bool(self.tape.borrowable[d, n])

    def ends(self, d, n):
        return self.tape.last_bar[n] >= 0 and self.tape.last_bar[n] + 1 == d

    def paid(self, n):
        value = self.tape.terminal_return[n]
        return 1.0 if math.isnan(value) else 1.0 + value

    def elapsed(self, d):
        return int((self.tape.sessions[d] - self.tape.sessions[d - 1]).astype(int)) if d else 0

    # --- weights: values per tranche and stock, in units of the first equity -----------------------------
    def run_weights(self):
        equity, first = 1.0, None
        for d in range(self.days):
            base, row = equity, self.rows[d]
            net = defaultdict(float)
            for tranche in self.plan:
                for n, value in tranche.items():
                    net[n] += value
            short = sum(-v for v in net.values() if v < 0)
            row["borrow"] = self.s.costs.borrow_bps_per_year / 1e4 * short / base * self.elapsed(d) / 365
            for part in ["night", "trade", "day"] if self.at_open else ["all", "trade"]:
                if part != "trade":
                    equity += self.move(d, part)
                elif d >= self.lag:
                    self.trade_weights(d, equity, row)
            row["gross"] = equity / base - 1
            if first is None and row["traded"] > 0:
                first = d
        return first

    def move(self, d, part):
        profit = 0.0
        for tranche in self.plan:
            for n in list(tranche):
                factor = self.factor(d, n, part)
                profit += tranche[n] * (factor - 1)
                tranche[n] *= factor
                if self.ends(d, n) and part != "day":
                    del tranche[n]
        return profit

    def factor(self, d, n, part):
        t = self.tape
        if self.ends(d, n):
            return self.paid(n) if part != "day" else 1.0
        if math.isnan(t.link[d, n]):
            return 1.0
        if part == "all":
            return t.link[d, n]
        if math.isnan(t.open[d, n]):
            return 1.0 if part == "night" else t.link[d, n]
        day = t.close[d, n] / t.open[d, n]
        return day if part == "day" else t.link[d, n] / day

    def trade_weights(self, d, equity, row):
        target, tranche = self.targets[d - self.lag], self.plan[(d - self.lag) % self.h]
        for n in range(self.stocks):
            weight, held = target[n] / self.h, tranche.get(n, 0.0)
            row["whole"] += abs(weight)
            if weight == 0 and held == 0:
                continue
            row["orders"] += 1
            why = self.blocked(d, n)
            if why:
                row[why] += 1
                row["missed"] += abs(weight)
                continue
            wanted = weight * equity
            others = sum(k.get(n, 0.0) for k in self.plan) - held
            lowest = min(others + held, 0.0) - others
            if not self.lends(d, n) and wanted < lowest - 1e-15:
                wanted = lowest
                row["unborrowable"] += 1
            limit = self.limit(d, n)
            if math.isfinite(limit):
                limit = limit / self.s.account.capital * equity
            if abs(wanted - held) > limit:
                wanted = held + math.copysign(limit, wanted - held)
                row["limited"] += 1
            row["missed"] += min(abs(wanted / equity - weight), abs(weight))
            size = abs(wanted - held) / equity
            for name, amount in zip(("commission", "spread", "impact"), self.cost(d, n, size), strict=True):
                row[name] += amount
            row["traded"] += size
            tranche[n] = wanted

    # --- cash: an account and its book of payments -----------------------------------------------------
    def pay(self, d, what, amount):
        self.cash += amount
        self.flows.append((d, what, amount))

    def value(self):
        return sum(shares * self.price[n] for n, shares in self.shares.items())

    def run_cash(self):
        equity, lot = self.cash, self.s.account.lot
        for d in range(self.days):
            base, row = equity, self.rows[d]
            short = sum(-s * self.price[n] for n, s in self.shares.items() if s < 0)
            fee = self.s.costs.borrow_bps_per_year / 1e4 * short * self.elapsed(d) / 365
            self.pay(d, "borrow", -fee)
            row["borrow"] = fee / base
            self.reprice(d, "night" if self.at_open else "all", lot)
            equity = self.cash + self.value()
            if d >= self.lag:
                self.trade_cash(d, equity, base, row, lot)
            if self.at_open:
                self.reprice(d, "day", lot)
            equity = self.cash + self.value()
            row["equity"], row["cash"] = equity, self.cash
            row["net"] = equity / base - 1
            self.holdings.append({n: s for n, s in self.shares.items() if s})

    def reprice(self, d, part, lot):
        t = self.tape
        for n in range(self.stocks):
            if self.ends(d, n) and part != "day":
                self.pay(d, "terminal", self.shares.pop(n, 0.0) * self.price.get(n, 0.0) * self.paid(n))
                for tranche in self.plan:
                    tranche.pop(n, None)
                continue
            if math.isnan(t.close[d, n]):
                continue
            at_open = not math.isnan(t.open[d, n]) and not math.isnan(t.link[d, n])
            if part == "night" and not at_open:
                continue
            new = t.open[d, n] if part == "night" else t.close[d, n]
            if n in self.price and not (part == "day" and at_open):
                self.act(d, n, new, lot)
            self.price[n] = new

    def act(self, d, n, new, lot):
        broken = math.isnan(self.tape.link[d, n])
        factor = self.price[n] / new if broken else self.tape.ratio[d, n]
        shares = self.shares.get(n, 0.0)
        if not broken and abs(factor - 1) < self.s.account.split_from:
            self.pay(d, "dividend", shares * new * (factor - 1))
            return
        for tranche in self.plan:
            if n in tranche:
                tranche[n] *= factor
        after = shares * factor
        kept = after
        if lot:
            kept = round(after) if abs(after - round(after)) <= 1e-6 * abs(after) else math.trunc(after)
        self.pay(d, "in lieu", (after - kept) * new)
        self.shares[n] = kept

    def wanted_order(self, plan, shares, lot):
        if lot == 0:
            return 0.0 if math.isclose(plan, shares, rel_tol=1e-9) else plan - shares
        if plan == 0:
            return -shares
        if shares == 0 or (plan > 0) != (shares > 0):
            return math.copysign(math.floor(abs(plan) / lot * (1 + 1e-9)) * lot, plan) - shares
        side, gap = math.copysign(1, shares), (abs(plan) - abs(shares)) / lot
        if gap >= 0:
            return side * math.floor(gap + 1e-9) * lot
        return -side * min(math.ceil(-gap - 1e-9) * lot, abs(shares))

    def trade_cash(self, d, equity, base, row, lot):  # noqa: C901 (an oracle is one plain loop)
        target, tranche = self.targets[d - self.lag], self.plan[(d - self.lag) % self.h]
        orders, aims = {}, {}
        for n in range(self.stocks):
            weight, held, shares = target[n] / self.h, tranche.get(n, 0.0), self.shares.get(n, 0.0)
            row["whole"] += abs(weight)
            why = self.blocked(d, n)
            if why and (weight or held):
                row[why] += 1
                row["orders"] += 1
                row["missed"] += abs(weight)
            if why:
                continue
            others = sum(k.get(n, 0.0) for k in self.plan if k is not tranche)
            wanted = weight * equity / self.price[n]
            aim = order = self.wanted_order(self.whole(n, tranche, wanted), shares, lot)
            if not self.lends(d, n):
                refused = held - wanted > max(others + held, 0.0) * (1 + 1e-12)
                if refused:
                    wanted = held - max(self.whole(n, tranche, held), 0.0)
                    order = self.wanted_order(self.whole(n, tranche, wanted), shares, lot)
                if shares + order < min(shares, 0.0):
                    order, refused = -max(shares, 0.0), True
                row["unborrowable"] += refused
            tranche[n] = wanted
            row["orders"] += aim != 0
            most = self.limit(d, n) / self.price[n]
            if abs(order) > most:
                most = math.floor(most / lot) * lot if lot else most
                order = math.copysign(most, order)
                row["limited"] += 1
            orders[n], aims[n] = order, aim
        for n, order in orders.items():
            if order < 0:
                self.fill(d, n, order, base, row)
        if self.s.construction.side == "long_only":
            self.cut(d, orders, row, lot)
        for n, order in orders.items():
            if order > 0:
                self.fill(d, n, order, base, row)
        for n, order in orders.items():
            row["missed"] += min(abs(aims[n] - order) * self.price[n] / equity, abs(target[n]) / self.h)

    def whole(self, n, tranche, mine):
        return sum(mine if k is tranche else k.get(n, 0.0) for k in self.plan)

    def cut(self, d, orders, row, lot):
        need = sum(
            o * self.price[n] + sum(self.cost(d, n, o * self.price[n])) for n, o in orders.items() if o > 0
        )
        if need <= self.cash:
            return
        for n, order in orders.items():
            if order > 0:
                less = order * max(self.cash, 0.0) / need * (1 - 1e-12)
                orders[n] = math.floor(less / lot) * lot if lot else less
                row["unaffordable"] += 1

    def fill(self, d, n, order, base, row):
        assert self.blocked(d, n) is None
        value = abs(order) * self.price[n]
        paid = self.cost(d, n, value)
        self.pay(d, "buy" if order > 0 else "sell", -order * self.price[n])
        for name, amount in zip(("commission", "spread", "impact"), paid, strict=True):
            self.pay(d, name, -amount)
            row[name] += amount / base
        row["traded"] += value / base
        self.shares[n] = self.shares.get(n, 0.0) + order
        self.trades.append((d, n, order, self.price[n], *paid))

    def series(self, name):
        return np.array([row[name] for row in self.rows])
