"""A day of a Python program: tables of objects are built, sorted, written as JSON, and dropped."""

import json
import time

for _day in range(3):
    rows = [{"id": n, "name": f"row {n}", "value": n * 0.5} for n in range(60_000)]
    rows.sort(key=lambda row: row["name"])
    text = json.dumps(rows)
    again = json.loads(text)
    del rows, text, again
    time.sleep(0.1)
