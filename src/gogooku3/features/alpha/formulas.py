"""The published formulas of Alpha158, in Qlib's own notation."""

from __future__ import annotations

WINDOWS = (5, 10, 20, 30, 60)

_RISE = "Greater({x}-Ref({x}, 1), 0)"
_FALL = "Greater(Ref({x}, 1)-{x}, 0)"
_MOVED = "(Sum(Abs({x}-Ref({x}, 1)), {d})+1e-12)"
_MOVE = "Abs($close/Ref($close, 1)-1)*$volume"

_BAR = {
    "KMID": "($close-$open)/$open",
    "KLEN": "($high-$low)/$open",
    "KMID2": "($close-$open)/($high-$low+1e-12)",
    "KUP": "($high-Greater($open, $close))/$open",
    "KUP2": "($high-Greater($open, $close))/($high-$low+1e-12)",
    "KLOW": "(Less($open, $close)-$low)/$open",
    "KLOW2": "(Less($open, $close)-$low)/($high-$low+1e-12)",
    "KSFT": "(2*$close-$high-$low)/$open",
    "KSFT2": "(2*$close-$high-$low)/($high-$low+1e-12)",
    "OPEN0": "$open/$close",
    "HIGH0": "$high/$close",
    "LOW0": "$low/$close",
}

_ROLLING = {
    "ROC": "Ref($close, {d})/$close",
    "MA": "Mean($close, {d})/$close",
    "STD": "Std($close, {d})/$close",
    "BETA": "Slope($close, {d})/$close",
    "RSQR": "Rsquare($close, {d})",
    "RESI": "Resi($close, {d})/$close",
    "MAX": "Max($high, {d})/$close",
    "MIN": "Min($low, {d})/$close",
    "QTLU": "Quantile($close, {d}, 0.8)/$close",
    "QTLD": "Quantile($close, {d}, 0.2)/$close",
    "RANK": "Rank($close, {d})",
    "RSV": "($close-Min($low, {d}))/(Max($high, {d})-Min($low, {d})+1e-12)",
    "IMAX": "IdxMax($high, {d})/{d}",
    "IMIN": "IdxMin($low, {d})/{d}",
    "IMXD": "(IdxMax($high, {d})-IdxMin($low, {d}))/{d}",
    "CORR": "Corr($close, Log($volume+1), {d})",
    "CORD": "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), {d})",
    "CNTP": "Mean($close>Ref($close, 1), {d})",
    "CNTN": "Mean($close<Ref($close, 1), {d})",
    "CNTD": "Mean($close>Ref($close, 1), {d})-Mean($close<Ref($close, 1), {d})",
    "SUMP": f"Sum({_RISE}, {{d}})/{_MOVED}".replace("{x}", "$close"),
    "SUMN": f"Sum({_FALL}, {{d}})/{_MOVED}".replace("{x}", "$close"),
    "SUMD": f"(Sum({_RISE}, {{d}})-Sum({_FALL}, {{d}}))/{_MOVED}".replace("{x}", "$close"),
    "VMA": "Mean($volume, {d})/($volume+1e-12)",
    "VSTD": "Std($volume, {d})/($volume+1e-12)",
    "WVMA": f"Std({_MOVE}, {{d}})/(Mean({_MOVE}, {{d}})+1e-12)",
    "VSUMP": f"Sum({_RISE}, {{d}})/{_MOVED}".replace("{x}", "$volume"),
    "VSUMN": f"Sum({_FALL}, {{d}})/{_MOVED}".replace("{x}", "$volume"),
    "VSUMD": f"(Sum({_RISE}, {{d}})-Sum({_FALL}, {{d}}))/{_MOVED}".replace("{x}", "$volume"),
}

FORMULAS: dict[str, str] = _BAR | {
    f"{family}{d}": formula.replace("{d}", str(d)) for family, formula in _ROLLING.items() for d in WINDOWS
}
"""Name to formula, in the published order; VWAP0 is left out, as daily bars have no such price.

Source: Yang, Liu, Zhou, Bian and Liu (2020), Qlib: An AI-oriented Quantitative Investment Platform;
``Alpha158`` in version 0.9.7 of microsoft/qlib.
"""
