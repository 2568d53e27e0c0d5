import math

import numpy as np
import pytest
import scipy.stats
import torch

from genbench.metrics.class_coverage import class_coverage, expected_class_coverage, expected_entropy


def test_all_classes_alike():
    found = class_coverage(torch.arange(10).repeat(7))
    assert found.covered == 10
    assert found.entropy == pytest.approx(math.log(10))
    assert found.kl == pytest.approx(0, abs=1e-12)
    assert found.total_variation == pytest.approx(0, abs=1e-12)


def test_one_class():
    found = class_coverage(torch.full((50,), 3), num_classes=10)
    assert (found.covered, str(found.entropy)) == (1, "0.0")
    assert found.kl == pytest.approx(math.log(10))
    assert found.total_variation == pytest.approx(0.9)


def test_hand_case():
    found = class_coverage(torch.tensor([0, 0, 0, 1]), num_classes=2, reference=torch.tensor([0, 1, 1, 1]))
    assert found.entropy == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert found.kl == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1 / 3))
    assert found.total_variation == 0.5


def test_without_a_number_there_are_as_many_classes_as_are_seen_on_either_side():
    few, many = torch.tensor([0, 1]), torch.tensor([0, 1, 2, 2])
    assert class_coverage(few, reference=many).total_variation == 0.5
    assert class_coverage(many, reference=few).kl == math.inf


def test_agrees_with_scipy():
    random = np.random.default_rng(1)
    labels, reference = random.choice(6, 500, p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]), random.integers(0, 6, 700)
    p, q = (np.bincount(each, minlength=6) / len(each) for each in (labels, reference))
    found = class_coverage(torch.from_numpy(labels), reference=torch.from_numpy(reference))
    assert found.entropy == pytest.approx(scipy.stats.entropy(p))
    assert found.kl == pytest.approx(scipy.stats.entropy(p, q))
    assert found.total_variation == pytest.approx(abs(p - q).sum() / 2)


def test_a_few_classifier_errors_do_not_cover_a_class():
    labels = torch.full((10_000,), 4)
    labels[:90] = torch.arange(10).repeat(9)  # 99.1 % right, every class "found"
    assert class_coverage(labels, num_classes=10).covered == 1


@pytest.mark.parametrize(("count", "covered"), [(9, 1), (10, 2)])
def test_a_class_is_covered_at_a_tenth_of_its_share(count, covered):
    labels = torch.zeros(1000, dtype=torch.long)
    labels[:count] = 1
    assert class_coverage(labels, num_classes=10, reference=torch.arange(10)).covered == covered


def test_rare_classes_are_judged_by_their_own_share():
    reference = torch.zeros(1000, dtype=torch.long)
    reference[0] = 1
    labels = torch.zeros(5000, dtype=torch.long)
    labels[0] = 1
    assert class_coverage(labels, reference=reference).covered == 2


def test_a_class_without_reference_is_infinite_and_not_counted():
    found = class_coverage(torch.tensor([0, 1]), num_classes=3, reference=torch.tensor([0, 0]))
    assert found.kl == math.inf
    assert found.covered == 1


def test_bias_is_as_documented():
    random = np.random.default_rng(2)
    values = [
        class_coverage(torch.from_numpy(random.integers(0, 10, 2000)), num_classes=10).kl for _ in range(400)
    ]
    assert np.mean(values) == pytest.approx(9 / 4000, rel=0.1)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32, torch.int64])
def test_integer_types(kind):
    assert class_coverage(torch.tensor([0, 1, 2], dtype=kind)).covered == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([], dtype=torch.long), "at least one"),
        (torch.tensor([0.5]), "class indices"),
        (torch.tensor([[1]]), "class indices"),
        (torch.tensor([-1, 2]), "run from -1 to 2"),
        (torch.tensor([0, 10]), "with 10 classes they are 0 to 9"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(ValueError, match=message):
        class_coverage(labels, num_classes=10)
    with pytest.raises(ValueError, match="reference"):
        class_coverage(torch.tensor([0]), num_classes=10, reference=labels)


UNEVEN = [0.4, 0.3, 0.15, 0.1, 0.04, 0.01]


@pytest.mark.parametrize(
    ("shares", "n", "m"),
    [([0.1] * 10, 2000, math.inf), (UNEVEN, 1000, 1500), ([0.25] * 4, 500, 100), ([0.5, 0.0, 0.5], 300, 300)],
)
def test_expectation_of_true_labels(shares, n, m):
    random = np.random.default_rng(4)

    def draw(size):
        return torch.from_numpy(random.choice(len(shares), size, p=shares))

    found = np.array(
        [
            class_coverage(
                draw(n), num_classes=len(shares), reference=None if m == math.inf else draw(int(m))
            )
            for _ in range(500)
        ],
        float,
    )
    error = found.std(0) / math.sqrt(500)
    # besides chance 2 % of second-order formulas, and what is too rare to happen in 500 draws
    expected = np.array(expected_class_coverage(torch.tensor(shares), n, m))
    assert np.all(
        abs(found.mean(0) - expected)
        < 4 * error + 0.02 * expected * [0, 0, 1, 1] + 1e-3 * np.array([1, 0, 0, 0])
    )


def test_expectation_by_hand():
    found = expected_class_coverage(torch.tensor([1.0, 1.0]), 2, 40)  # shares need not sum to 1
    assert found.entropy == pytest.approx(math.log(2) / 2)  # two labels differ half of the time
    assert found.kl == pytest.approx(math.log(2) / 2 + 1 / 80)
    assert found.total_variation == pytest.approx(math.sqrt(0.5 * (1 / 2 + 1 / 40) / math.pi))
    assert found.covered == pytest.approx(2 * 0.75)
    assert expected_entropy(torch.ones(7), 1) == 0


def test_where_the_reference_may_lack_a_class_the_divergence_is_infinite():
    assert expected_class_coverage(torch.ones(10), 100, 49).kl == math.inf
    assert expected_class_coverage(torch.ones(10), 100, 50).kl < 0.2


@pytest.mark.parametrize(("classes", "n"), [(3, 1), (1000, 100), (1000, 5000), (10, 10**6)])
def test_expected_entropy_however_rare_the_classes(classes, n):
    random = np.random.default_rng(8)
    shares = random.dirichlet(np.ones(classes))
    found = [scipy.stats.entropy(random.multinomial(n, shares)) for _ in range(200)]
    error = np.std(found) / math.sqrt(200)
    assert expected_entropy(torch.from_numpy(shares), n) == pytest.approx(
        np.mean(found), abs=4 * error + 1e-9
    )


def test_expectation_of_rare_classes_that_need_more_than_one_label():
    # of 1,000 labels 20 are expected of the rare class, and 2 needed
    found = expected_class_coverage(torch.tensor([0.98, 0.02]), 1000).covered
    assert found == pytest.approx(2 - scipy.stats.binom.cdf(1, 1000, 0.02), rel=1e-12)


@pytest.mark.parametrize("shares", [[], [0.0, 0.0], [0.5, -0.1], [math.nan, 1.0], [[0.5, 0.5]]])
def test_shares_that_are_none(shares):
    with pytest.raises(ValueError, match="none negative, not all 0"):
        expected_class_coverage(torch.tensor(shares), 10)


def test_sizes_that_are_none():
    with pytest.raises(ValueError, match="n is 0; it is at least 1"):
        expected_entropy(torch.ones(3), 0)
    with pytest.raises(ValueError, match="n is 5 and m is 0"):
        expected_class_coverage(torch.ones(3), 5, 0)
    assert expected_class_coverage(torch.ones(1), 1, 5) == (1, 0, 0, 0)
    with pytest.raises(ValueError, match="n is 0 and m is inf"):
        expected_class_coverage(torch.ones(3), 0)
