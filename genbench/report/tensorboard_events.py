"""What TensorBoard reads: scalars, text, images and settings as events, and a file of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Any

from genbench.report.untrusted import clean, clean_lines

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

Options = Mapping[str, str | bool | float]


def scalar(name: str, value: float, step: int, at: float) -> Event:
    """A number at a step; ``quality.fid`` becomes ``quality/fid``, because TensorBoard groups by slashes."""
    return _event(at, step, tag=clean(name).replace(".", "/", 1), simple_value=value)


def text(name: str, content: str, at: float) -> Event:
    """Lines of text, shown as they are."""
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
    from tensorboard.util.tensor_util import make_tensor_proto

    lines = indent(clean_lines(content.removesuffix("\n")), "    ")  # Markdown for code
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return _event(at, 0, tag=name, metadata=about, tensor=make_tensor_proto([lines.encode("utf-8")]))


def image(name: str, png: bytes, step: int, at: float) -> Event:
    """A picture.

    Raises:
        OSError, ValueError, SyntaxError: ``png`` is no PNG.
    """
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        width, height = picture.size
    content = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return _event(at, step, tag=clean(name), image=content)


def session(options: Options, group: str, began: float, ended: float, done: bool | None) -> tuple[Event, ...]:
    """For the tab HPARAMS: the options of a trial, and whether it is done (``None`` if it has no end).

    Args:
        options: by name; the same for all sessions of a group.
        group: sessions of one group are repetitions of one setting.
        began: in seconds since 1970.
        ended: likewise.
        done: whether it ended well.
    """
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import Status
    from tensorboard.plugins.hparams.plugin_data_pb2 import (
        HParamsPluginData,
        SessionEndInfo,
        SessionStartInfo,
    )

    start = SessionStartInfo(group_name=group, start_time_secs=began)
    for name, value in options.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    told = [(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start))]
    if done is not None:
        how = Status.STATUS_SUCCESS if done else Status.STATUS_FAILURE
        end = SessionEndInfo(status=how, end_time_secs=ended)
        told.append((metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end)))
    return tuple(
        _event(
            began,
            0,
            tag=tag,
            metadata=metadata.create_summary_metadata(content),
            tensor=metadata.NULL_TENSOR,
        )
        for tag, content in told
    )


def file_of(events: Sequence[Event]) -> bytes:
    """A file of events, in the order of their steps."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    began = min(event.wall_time for event in events)
    out = io.BytesIO()
    writer = RecordWriter(out)
    writer.write(Event(wall_time=began, file_version="brain.Event:2").SerializeToString())
    for event in sorted(events, key=lambda event: event.step):
        writer.write(event.SerializeToString())
    return out.getvalue()


def _event(at: float, step: int, **value: Any) -> Event:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Event(wall_time=at, step=step, summary=Summary(value=[Summary.Value(**value)]))
