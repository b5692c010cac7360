from pathlib import Path


def of_day(folder, day):
    return sorted(str(path) for path in Path(folder, day).glob("*.csv"))


def report(loaded):
    rows = sum(one["rows_loaded"] for one in loaded)
    print(f"{rows} rows from {len(loaded)} files")
    return rows
