"""Which files of a folder are a chain's, and whether the set of them is allowed. Opens none of them."""

from __future__ import annotations

import difflib
from pathlib import Path

from api.imports.files import FILES, FIRST_FOLDER, list_files
from api.imports.report import ImportReport

SUFFIXES = (".csv", ".parquet")
CHAIN = "chain.toml"


def list_folder(folder: Path, report: ImportReport) -> dict[str, Path]:
    """The chain's files of a folder by name without suffix, in the order of their declaration, `chain` among them."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        report.add_fault(str(folder), f"must be a folder of chain files, but {what}")
        return {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        report.add_fault(str(folder), f"must be readable ({error.strerror or error})")
        return {}
    found: dict[str, Path] = {}
    known = list_files()
    for path in paths:
        if path.name == CHAIN:
            found["chain"] = path
        elif path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        elif path.stem not in known:
            _report_unknown(path, known, report)
        elif path.stem in found:
            report.add_fault(path.name, f"must not lie beside {found[path.stem].name}: give one of the two")
        else:
            found[path.stem] = path
    if not found and not report.faults:
        report.add_fault(
            str(folder), f"must hold a chain's files, at least one of {CHAIN}, {', '.join(spec.name for spec in FILES)}"
        )
    order = ("chain", *known)
    return {name: found[name] for name in order if name in found}


def require_files(found: dict[str, Path], report: ImportReport) -> None:
    """The first folder of a chain needs more than a later one."""
    for name in ("chain", *FIRST_FOLDER):
        if name == "sales" and "sales_order_lines" in found and "sales_orders" in found:
            continue
        if name not in found:
            file = CHAIN if name == "chain" else f"{name}.csv"
            or_parquet = "" if name == "chain" else f" (or {name}.parquet)"
            report.add_fault(file, f"must be in the first folder of a chain{or_parquet}, and is missing")


def _report_unknown(path: Path, known: tuple[str, ...], report: ImportReport) -> None:
    near = difflib.get_close_matches(path.stem.lower(), known, n=1, cutoff=0.75)
    if near:
        report.add_fault(path.name, f"is not a file of a chain folder; did you mean '{near[0]}{path.suffix}'?")
    else:
        report.warnings.append(
            f"{path.name} was not read: IMS knows no file of that name (docs/import-format.md lists them)"
        )
