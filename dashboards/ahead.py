"""Asks a new snapshot what pages asked of the ones before it, so that the first look of a morning need not wait.

In the background, as soon as the copy is there, and half of the time at most. Spans of days go on with the data: what
was asked of the last month is asked of the new one. Answers are kept by reach, as ever: nobody sees more than before.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from dataclasses import replace

import duckdb

from api.services.observations import BUSINESS
from dashboards.copies import copy_of
from dashboards.figures import Question, answer_ahead, asked_lately
from dashboards.installation import given_databases, operational
from dashboards.passport import read_passport
from dashboards.periods import SPANS, days_back, days_of
from dashboards.reader import put_down
from warehouse import metrics

logger = logging.getLogger("ims.dashboards")
DAYS_KEPT = 7  # what nobody asked for a week is not asked ahead
COMPARED = ("year", "before")
_days: dict[int, dt.date] = {}  # the data's as-of of each snapshot that was served by this process


def ask_ahead(ended: threading.Event) -> None:
    """Have the answers of what is published now, or stop at once where that is `ended`.

    Raises OperationalError without PostgreSQL.
    """
    passport, lake = read_passport(operational()), given_databases().lake
    if passport is None or copy_of(lake, passport.snapshot_id) is None:
        return
    began, count = time.monotonic(), 0
    _days[passport.snapshot_id] = passport.data_as_of
    try:
        for reach, question, snapshot_id in asked_lately(lake):
            before = _days.get(snapshot_id)
            if before is None or abs((passport.data_as_of - before).days) > DAYS_KEPT:
                continue
            asked = time.monotonic()
            try:
                answer_ahead(lake, passport.snapshot_id, reach, go_on(question, before, passport.data_as_of))
            except metrics.InvalidQuery:
                continue  # a snapshot to which somebody went back may lack a figure
            count += 1
            BUSINESS.answer_ahead()
            if ended.wait(time.monotonic() - asked):
                break
    except duckdb.Error as error:
        logger.warning("what was asked before cannot be asked ahead", extra={"error": type(error).__name__})
    finally:
        put_down()
    if count:
        seconds = round(time.monotonic() - began, 1)
        logger.info("what was asked before was asked ahead", extra={"questions": count, "seconds": seconds})


def go_on(question: Question, before: dt.date, now: dt.date) -> Question:
    """The same question where the data's as-of went on: of the same span, or the days that it was compared with.

    Days that are no span stay. Worked: from Sunday to Monday the last week is the one that has just ended.
    """
    if question.begin is None or question.end is None:
        return question
    for span in SPANS:
        old, new = days_of(span, before, dt.date.min), days_of(span, now, dt.date.min)
        if (question.begin, question.end) == old:
            return replace(question, begin=new[0], end=new[1])
        for comparison in COMPARED:
            compared = replace(question, begin=old[0], end=old[1]).moved_back(days_back(*old, comparison))
            if (question.begin, question.end) == (compared.begin, compared.end):
                moved = replace(question, begin=new[0], end=new[1])
                return moved.moved_back(days_back(*new, comparison))
    return question
