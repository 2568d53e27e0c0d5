"""Orders to processes and what they answer: nothing is lost or mixed up on the way."""

import json
import signal

import pytest

from genbench.core.record import Status
from genbench.runner import wire
from genbench.runner.earlier import Earlier
from genbench.runner.hand import why_it_ended
from genbench.runner.wire import Order, Remote
from genbench.suite.plan import DataSpec, make_plan


@pytest.fixture
def plan(tiny_suite):
    return make_plan(tiny_suite(), {DataSpec("digits", "abc"): "float32"})


def test_an_order_tells_what_there_is_of_its_own_cohort_and_nothing_of_others(plan):
    gan, vae = plan
    one, two = (trial.id for trial in gan.trials)
    own = {(one, "a", 1), (two, "b", 2), (gan.id, "times", 9)}  # a number of the cohort has an id of its own
    earlier = Earlier(
        outcomes={one: Status.DONE, vae.trials[0].id: Status.FAILED},
        controls=frozenset({"digits"}),
        kept=frozenset({*own, (vae.trials[0].id, "a", 1)}),
        missed=frozenset({(two, "c", 3), (vae.trials[1].id, "c", 3)}),
    )
    order = Order.of(gan, 4, earlier, plan)
    heard = Order(**json.loads(json.dumps(order.line())))
    assert (heard.cohort, heard.dataset) == (gan.id, 4)
    assert heard.earlier == Earlier(
        outcomes={one: Status.DONE}, kept=frozenset(own), missed=frozenset({(two, "c", 3)})
    )


def test_steps_are_told_now_and_then_and_the_last_one_in_any_case(monkeypatch):
    class Heard(list):
        def send(self, **message):
            self.append(message)

    heard, clock = Heard(), iter((10.0, 10.0, 10.1, 10.5, 10.5, 10.6))
    monkeypatch.setattr(wire, "monotonic", lambda: next(clock))
    remote = Remote(heard)
    remote.begin("gan", 40)
    for step in (10, 20, 30, 40):  # at 10.0, 10.1, 10.5, 10.6
        remote.step(step, 5.0, {"loss": (1.0, 2.0)})
    assert [message["step"][0] for message in heard if "step" in message] == [10, 30]
    monkeypatch.setattr(wire, "monotonic", lambda: 10.6)
    remote.end()
    assert heard[0] == {"begin": ["gan", 40]}
    assert heard[-2:] == [{"step": [40, 5.0, {"loss": [1.0, 2.0]}]}, {"end": True}]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (7, "its process ended with exit code 7 in the middle of the work"),
        (0, "its process ended with exit code 0 in the middle of the work"),
        (-signal.SIGSEGV, "its process was killed by SIGSEGV"),
        (-250, "its process was killed by signal 250"),
    ],
)
def test_exit_codes_in_words(code, told):
    assert why_it_ended(code) == told


def test_a_process_that_was_killed_may_have_wanted_too_much_memory():
    assert why_it_ended(-9).startswith("its process was killed by SIGKILL (perhaps the system was short of")
