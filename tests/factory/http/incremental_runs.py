"""A run of an incremental poll, without Airflow."""

from __future__ import annotations

from typing import Any

from factory.http.page import Means
from factory.http.poll import poll
from factory.http.progress import RowProgress
from factory.http.session import HttpSession
from factory.http.window import Forms, Window
from schemas.model.http import HttpRequest
from schemas.model.polling import Incremental


def run_once(
    request: dict[str, Any], keys: dict[str, Any], watermark: Any, *, to_file: bool = False
) -> tuple[Window, list[Any], Any]:
    """What a run asked for, its rows, and the watermark behind it. `keys`: those of `incremental`."""
    incremental = Incremental.model_validate(keys)
    forms = Forms(incremental, "UTC")
    window = Window.after(incremental, forms, watermark)
    progress = RowProgress(incremental, forms, window, lambda _: None)
    params = {} if window.start is None else {"since": forms.asked(window.start)}
    if incremental.end_param is not None:
        params["until"] = forms.asked_moment(window.until, window.start)
    written: list[Any] = []
    with HttpSession() as session:
        answered = poll(
            HttpRequest.model_validate(request),
            Means(session=session),
            params=params,
            progress=progress,
            write=written.extend if to_file else None,
        )
    return window, written if to_file else answered.rows or [], progress.watermark() or watermark
