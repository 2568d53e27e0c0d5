from genbench.core.datainfo import DataInfo


def test_size_counts_the_numbers_of_one_example() -> None:
    assert DataInfo("digits", (3, 4, 5)).size == 60
