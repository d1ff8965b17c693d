"""Rows of the tables that the kernels write; a change here needs a change of both kernels."""

from __future__ import annotations

GROSS, TRADED, COMMISSION, SPREAD, IMPACT, BORROWED = 0, 1, 2, 3, 4, 5
WHOLE, MISSED, LONG, SHORT, EQUITY, CASH = 6, 7, 8, 9, 10, 11
DISTRIBUTED, IN_LIEU, TERMINAL = 12, 13, 14
SERIES = 15

ORDERS, HALTED, LOCKED, UNBORROWABLE, LIMITED, UNAFFORDABLE, LONG_NAMES, SHORT_NAMES = 0, 1, 2, 3, 4, 5, 6, 7
COUNTS = 8

AMOUNT, PRICE, FEE, HALF_SPREAD, IMPACT_PAID = 0, 1, 2, 3, 4
TRADE_COLUMNS = 5
