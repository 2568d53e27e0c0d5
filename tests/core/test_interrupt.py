import os
import signal
import threading
import time

import pytest

from genbench.core.interrupt import heed, is_asked, noted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_noted_and_the_second_is_raised(number, capfd):
    usual = signal.signal(number, signal.default_int_handler)
    try:
        with noted():
            heed()
            os.kill(os.getpid(), number)
            assert is_asked()  # and nothing was raised
            with pytest.raises(KeyboardInterrupt):
                heed()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
                time.sleep(1)
        assert not is_asked() and signal.getsignal(number) is signal.default_int_handler
        heed()
    finally:
        signal.signal(number, usual)
    assert "once more stops at once" in capfd.readouterr().err


def test_what_is_ignored_stays_ignored():
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted():
            os.kill(os.getpid(), signal.SIGINT)
            assert not is_asked()
    finally:
        signal.signal(signal.SIGINT, usual)


def test_in_another_thread_nothing_is_changed():
    seen = []

    def work():
        with noted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
