"""How a value fits a column: contract.md, section 4, second and third paragraph."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

MISFIT = object()
INT64 = range(-(2**63), 2**63)
EPOCH = datetime(1970, 1, 1)
DAYS_OF_400_YEARS = 146_097
YEAR_1 = (datetime(1, 1, 1) - EPOCH).days
TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)
FIRST_YEAR_10000 = (datetime(9999, 12, 31, 23, 59, 59) - EPOCH) // timedelta(microseconds=1) + 1_000_000


def as_str(value):
    if value.kind == "null":
        return None
    return value.string if value.kind == "string" else value.text


def as_int(value):
    if value.kind == "null":
        return None
    text = value.held if value.kind == "string" else value.text
    if value.kind in ("number", "string") and re.fullmatch(r"-?(?:0|[1-9]\d*)", text, re.ASCII) and int(text) in INT64:
        return int(text)
    return MISFIT


def as_bool(value):
    if value.kind == "null":
        return None
    text = value.held if value.kind == "string" else value.text
    if value.kind in ("bool", "string") and text in ("true", "false"):
        return text == "true"
    return MISFIT


def as_ts(value):
    if value.kind == "null":
        return None
    if value.kind == "number":
        return by_size(value.text) if value.text[-1].isdigit() else MISFIT
    if value.kind == "string":
        if re.fullmatch(r"\d+", value.held, re.ASCII):
            return by_size(value.held)
        return from_text(value.held)
    return MISFIT


def by_size(text):
    number = Decimal(text)
    if number.is_signed() or number.adjusted() > 30:
        return MISFIT
    for limit, per_unit in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if number < limit:
            return int(number * per_unit)
    micros = int(number / 1000)
    return micros if micros < FIRST_YEAR_10000 else MISFIT


def from_text(text):
    found = TIME.fullmatch(text)
    if not found:
        return MISFIT
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    shift = 0
    if year == 0:  # Python has no year 0: 400 years on, the calendar is the same
        year, shift = 400, -DAYS_OF_400_YEARS * 86_400_000_000
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return MISFIT
    micros = (moment - EPOCH) // timedelta(microseconds=1) + shift
    micros += int((found[7] or "0").ljust(6, "0")[:6])
    if found[8]:
        if int(found[9]) > 23 or int(found[10]) > 59:
            return MISFIT
        offset = (int(found[9]) * 60 + int(found[10])) * 60_000_000
        micros += -offset if found[8] == "+" else offset
    return micros


FITS = {"str": as_str, "int": as_int, "bool": as_bool, "ts": as_ts}
