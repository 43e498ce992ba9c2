"""Pages that are being drawn when the web app ends come to their end: cut off, they would abort the process."""

from __future__ import annotations

import inspect
import subprocess
import sys

from streamlit.runtime.scriptrunner import script_runner

PAGE = """
import threading, time
import duckdb
from ims.web import wait_for_pages

con, is_asked = duckdb.connect(), threading.Event()
con.execute("CREATE TABLE t AS SELECT range AS a, range % 7 AS b FROM range(1_000_000)")

def draw():
    cursor = con.cursor()
    while not is_asked.is_set():
        cursor.execute("SELECT b, median(a) FROM t GROUP BY b").fetchall()

for _ in range(3):
    threading.Thread(target=draw, daemon=True, name="ScriptRunner.scriptThread").start()
time.sleep(0.3)
is_asked.set()
wait_for_pages()
"""


def test_a_page_that_asks_the_lake_is_waited_for():
    done = subprocess.run([sys.executable, "-c", PAGE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'name="ScriptRunner.scriptThread"' in inspect.getsource(script_runner)
