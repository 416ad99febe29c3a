"""How a value fits a column: docs/tables.md#values."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

MISFIT = object()
INT64 = range(-(2**63), 2**63)
EPOCH = datetime(1970, 1, 1)
DAYS_OF_400_YEARS = 146_097
FIRST = -DAYS_OF_400_YEARS * 86_400_000_000 + (datetime(400, 1, 1) - EPOCH) // timedelta(microseconds=1)
YEAR_1 = (datetime(1, 1, 1) - EPOCH).days
DATE = r"(?P<year>\d{4})(?:-(?P<month>\d\d)-(?P<day>\d\d)|(?P<month_>\d\d)(?P<day_>\d\d))"
CLOCK = r"""(?P<mark>[Tt ])(?P<hour>\d\d)
    (?: :(?P<minute>\d\d) (?: :(?P<second>\d\d)(?:[.,](?P<part>\d+))? )?
      | (?P<minute_>\d\d) (?: (?P<second_>\d\d)(?:[.,](?P<part_>\d+))? )? )?"""
ZONE = r"""(?: [Zz](?P<tagged>\[.+\])? | [ ]?(?:UTC|GMT)
    | (?P<gap>[ ]?)(?P<offset>(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)
      (?: (?P<tags>\[.+\]) | [ ](?P<name>[A-Z]{3,5}|[+-]\d\d(?:\d\d)?)(?:[ ]m=[+-]\d+\.\d+)? )? )?"""
TIME = re.compile(DATE + "(?:" + CLOCK + ZONE + ")?", re.ASCII | re.VERBOSE)
TAGS = re.compile(r"(?:\[[A-Za-z0-9!_+/=~.-]+\])+")
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
    if not found or (found["mark"] is None and found["day"] is None) or not zone_is_whole(found):
        return MISFIT
    year, hour = int(found["year"]), int(found["hour"] or 0)
    month, day, minute, second = (int(found[name] or found[name + "_"] or 0) for name in ("month", "day", "minute", "second"))
    if found["mark"] == " " and (found["minute"] or found["minute_"]) is None:
        return MISFIT
    fraction = int((found["part"] or found["part_"] or "0").ljust(6, "0")[:6])
    offset = (int(found["hours"] or 0) * 60 + int(found["minutes"] or 0)) * 60 * (-1 if found["sign"] == "-" else 1)
    if int(found["hours"] or 0) > 23 or int(found["minutes"] or 0) > 59:
        return MISFIT
    shift = 0
    if year == 0:  # Python has no year 0: 400 years on, the calendar is the same
        year, shift = 400, -DAYS_OF_400_YEARS * 86_400_000_000
    later = 0
    if hour == 24:  # only as the end of the day
        if minute or second or fraction:
            return MISFIT
        hour, later = 0, 86_400
    elif second == 60:  # only as the last second of a day in UTC
        if (hour * 3600 + minute * 60 + 60 - offset) % 86_400:
            return MISFIT
        second, later = 59, 1
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return MISFIT
    micros = (moment - EPOCH) // timedelta(microseconds=1) + shift + fraction + (later - offset) * 1_000_000
    return micros if FIRST <= micros < FIRST_YEAR_10000 else MISFIT


def zone_is_whole(found):
    """What stands behind an offset contradicts it nowhere."""
    tags = found["tagged"] or found["tags"]
    if tags and not TAGS.fullmatch(tags):
        return False
    name = found["name"]
    if name is None:
        return True
    if not found["gap"]:
        return False
    if name in ("UTC", "GMT"):
        return not int(found["hours"]) and not int(found["minutes"] or 0)
    return name.isalpha() or found["offset"].startswith(name)


FITS = {"str": as_str, "int": as_int, "bool": as_bool, "ts": as_ts}
