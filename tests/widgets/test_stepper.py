"""The Python side of the stepper: what it sends to the browser, what it refuses."""

import base64
import re
from typing import Any

import pytest

from ptlab.widgets import Stepper
from ptlab.widgets.payload import SCHEMA


def test_position_moves_and_stays_in_the_story(payload: dict[str, Any]) -> None:
    stepper = Stepper(payload)
    stepper.back()
    assert stepper.position == 0
    for _ in range(5):
        stepper.step()
    assert stepper.position == stepper.last == 2
    stepper.seek(1)
    assert stepper.position == 1
    with pytest.raises(ValueError, match="position 3: this story has positions 0 to 2"):
        stepper.seek(3)


def test_static_viewers_get_the_picture_as_an_image(payload: dict[str, Any]) -> None:
    bundle = Stepper(payload)._repr_mimebundle_()
    assert bundle is not None
    data = bundle[0]
    assert data["text/plain"].endswith("position 0 of 2>")
    assert "application/vnd.jupyter.widget-view+json" in data
    frame, still = data["text/html"].split("</iframe>")
    assert (
        'sandbox="allow-scripts allow-popups' in frame
        and "same-origin" not in frame
        and "data:image" not in frame
    )
    (encoded,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', still)
    assert base64.b64decode(encoded).decode() == payload["panes"][0]["still"]["svg"]


def test_a_payload_of_another_version_is_refused(payload: dict[str, Any]) -> None:
    old = payload | {"schema": SCHEMA - 1}
    with pytest.raises(ValueError, match=f"plays schema {SCHEMA}: make it again"):
        Stepper(old)
