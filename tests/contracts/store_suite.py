"""What every store must do. A store's own test module subclasses `StoreSuite` under a name that starts with Test."""

from __future__ import annotations

from contracts.store_history import HistoryPromises
from contracts.store_regions import RegionPromises
from contracts.store_reports import ReportPromises
from contracts.store_results import ResultPromises


class StoreSuite(ResultPromises, HistoryPromises, RegionPromises, ReportPromises):
    """The promises of `prober/store/base.py`; a subclass says in `make` where its store lives in a folder."""
