"""A mapper of partitions that takes a call with arguments by position."""

from __future__ import annotations

from airflow.sdk import IdentityMapper, ProductMapper, StartOfDayMapper


def region_and_day() -> ProductMapper:
    return ProductMapper(IdentityMapper(), StartOfDayMapper())
