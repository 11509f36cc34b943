"""Tests of some of the functions."""


def test_add():
    assert add(2, 3) == 5
    assert add(0, 0) == 0
    assert add(-1, 1) == 0


def test_subtract():
    assert subtract(5, 3) == 2
    assert subtract(0, 4) == -4


def test_multiply():
    assert multiply(2, 3) == 6
    assert multiply(7, 0) == 0


def test_gcd():
    assert gcd(12, 18) == 6
    assert gcd(7, 5) == 1


def test_lcm():
    assert lcm(4, 6) == 12


def test_clamp():
    assert clamp(5, 0, 3) == 3
    assert clamp(-1, 0, 3) == 0


def test_sign():
    assert sign(-5) == -1
    assert sign(0) == 0
    assert sign(9) == 1


def test_factorial():
    assert factorial(0) == 1
    assert factorial(5) == 120


def test_larger():
    assert larger(1, 2) == 2
    assert larger(2, 1) == 2


def test_smaller():
    assert smaller(1, 2) == 1


def test_compare():
    assert compare(1, 2) == -1
    assert compare(2, 2) == 0


def test_sum_to():
    assert sum_to(10) == 55


def test_sum_list():
    assert sum_list([1, 2, 3]) == 6
    assert sum_list([]) == 0


def test_sum_digits():
    assert sum_digits(123) == 6


def test_is_prime():
    assert is_prime(7) == True
    assert is_prime(8) == False


def test_fibonacci():
    assert fibonacci(10) == 55


def test_to_binary():
    assert to_binary(5) == "101"


def test_maximum():
    assert maximum([3, 1, 2]) == 3


def test_minimum():
    assert minimum([3, 1, 2]) == 1


def test_mean():
    assert mean([1, 2, 3]) == 2


def test_median():
    assert median([3, 1, 2]) == 2


def test_unique():
    assert unique([1, 1, 2]) == [1, 2]


def test_flatten():
    assert flatten([[1], [2, 3]]) == [1, 2, 3]


def test_is_palindrome():
    assert is_palindrome("level") == True
    assert is_palindrome("table") == False


def test_reverse_string():
    assert reverse_string("abc") == "cba"


def test_count_vowels():
    assert count_vowels("banana") == 3


def test_is_leap_year():
    assert is_leap_year(2000) == True
    assert is_leap_year(1900) == False


def test_binary_search():
    assert binary_search([1, 3, 5], 3) == 1
    assert binary_search([1, 3, 5], 4) == -1


def test_bubble_sort():
    assert bubble_sort([3, 1, 2]) == [1, 2, 3]


def test_merge():
    assert merge([1, 3], [2]) == [1, 2, 3]


def test_dot():
    assert dot([1, 2], [3, 4]) == 11


def test_rectangle_area():
    assert rectangle_area(2, 3) == 6


def test_average():
    assert average(2, 4) == 3


def test_sum_between():
    assert sum_between(1, 3) == 6


def test_swap():
    assert swap(1, 2) == (2, 1)
