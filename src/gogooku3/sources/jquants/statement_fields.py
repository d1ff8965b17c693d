"""The fields of /fins/summary, with the server's own names.

https://jpx-jquants.com/en/spec/fin-summary
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

_DATES = "DiscDate CurPerSt CurPerEn CurFYSt CurFYEn NxtFYSt NxtFYEn"
_TEXT = "DiscTime DiscNo DocType CurPerType MatChgSub SigChgInC ChgByASRev ChgNoASRev ChgAcEst RetroRst"
_IN_ORDER = """
DiscDate DiscTime Code DiscNo DocType CurPerType CurPerSt CurPerEn CurFYSt CurFYEn NxtFYSt NxtFYEn
Sales OP OdP NP EPS DEPS TA Eq EqAR BPS CFO CFI CFF CashEq
Div1Q Div2Q Div3Q DivFY DivAnn DivUnit DivTotalAnn PayoutRatioAnn
FDiv1Q FDiv2Q FDiv3Q FDivFY FDivAnn FDivUnit FDivTotalAnn FPayoutRatioAnn
NxFDiv1Q NxFDiv2Q NxFDiv3Q NxFDivFY NxFDivAnn NxFDivUnit NxFPayoutRatioAnn
FSales2Q FOP2Q FOdP2Q FNP2Q FEPS2Q NxFSales2Q NxFOP2Q NxFOdP2Q NxFNp2Q NxFEPS2Q
FSales FOP FOdP FNP FEPS NxFSales NxFOP NxFOdP NxFNp NxFEPS
MatChgSub SigChgInC ChgByASRev ChgNoASRev ChgAcEst RetroRst ShOutFY TrShFY AvgSh
NCSales NCOP NCOdP NCNP NCEPS NCTA NCEq NCEqAR NCBPS
FNCSales2Q FNCOP2Q FNCOdP2Q FNCNP2Q FNCEPS2Q NxFNCSales2Q NxFNCOP2Q NxFNCOdP2Q NxFNCNP2Q NxFNCEPS2Q
FNCSales FNCOP FNCOdP FNCNP FNCEPS NxFNCSales NxFNCOP NxFNCOdP NxFNCNP NxFNCEPS
ShEq NCShEq ROE NCROE
"""
_REQUIRED = """
DiscDate DiscTime Code DiscNo DocType CurPerType CurPerSt CurPerEn CurFYSt CurFYEn
Sales OP OdP NP EPS TA Eq EqAR BPS CFO CFI CFF CashEq DivAnn FDivAnn FSales FOP FOdP FNP FEPS ShOutFY TrShFY AvgSh
"""


def _kind(name: str) -> Literal["code", "date", "number", "text"]:
    if name == "Code":
        return "code"
    if name in _DATES.split():
        return "date"
    return "text" if name in _TEXT.split() else "number"


STATEMENT_FIELDS: Mapping[str, Literal["code", "date", "number", "text"]] = MappingProxyType(
    {name: _kind(name) for name in _IN_ORDER.split()}
)
"""Every field and what it is. All of them come as text, with "" where nothing was disclosed."""

STATEMENT_REQUIRED = tuple(_REQUIRED.split())
"""Fields without which an answer is refused; later additions such as ROE are not among them."""
