"""The digest tells apart what differs in shape, type or content, and nothing else."""

import itertools

import numpy as np

from ui.view.digest import digest


def test_equal_bytes_in_another_shape_type_or_division_have_another_digest():
    numbers = np.arange(6, dtype=np.float32)
    contents = [
        (numbers,),
        (numbers.reshape(2, 3),),
        (numbers.reshape(3, 2),),
        (numbers.reshape(1, 6),),
        (numbers.view(np.int32),),
        (numbers.tobytes(),),
        (numbers[:3], numbers[3:]),
        (numbers[:2], numbers[2:]),
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        (b"abc",),
        (),
    ]
    for one, other in itertools.combinations(contents, 2):
        assert digest(*one) != digest(*other), (one, other)


def test_the_digest_does_not_depend_on_how_an_array_lies_in_memory():
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest(numbers) == digest(np.asfortranarray(numbers)) == digest(numbers.copy())
