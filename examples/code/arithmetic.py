"""Sums, products and other arithmetic."""


def add(a, b):
    """Return the sum of a and b."""
    return a + b


def subtract(a, b):
    """Return a without b."""
    return a - b


def multiply(a, b):
    """Return the product of a and b."""
    return a * b


def divide(a, b):
    """Return a divided by b."""
    return a / b


def floor_divide(a, b):
    """Return how often b fits into a."""
    return a // b


def remainder(a, b):
    """Return what is left of a after dividing by b."""
    return a % b


def power(a, b):
    """Return a to the power of b."""
    return a ** b


def average(a, b):
    """Return the number in the middle of a and b."""
    return (a + b) / 2


def difference(a, b):
    """Return the distance between a and b."""
    return abs(a - b)


def larger(a, b):
    """Return the larger one."""
    return a if a > b else b


def smaller(a, b):
    """Return the smaller one."""
    return a if a < b else b


def both(a, b):
    return a and b


def either(a, b):
    return a or b


def same(a, b):
    """Tell whether a equals b."""
    return a == b


def different(a, b):
    """Tell whether a differs from b."""
    return a != b


def is_less(a, b):
    return a < b


def is_greater(a, b):
    return a > b


def sum_of_squares(a, b):
    """Return the sum of both squares."""
    return a * a + b * b


def square_of_sum(a, b):
    return (a + b) ** 2


def hypotenuse(a, b):
    """Return the long side of a right triangle."""
    return (a * a + b * b) ** 0.5


def ratio(a, b):
    """Return a for each b, or 0 when b is 0."""
    return a / b if b != 0 else 0.0


def percent(a, b):
    """Return how many percent of b a is."""
    return 100 * a / b if b else 0.0


def harmonic_mean(a, b):
    return 2 * a * b / (a + b)


def geometric_mean(a, b):
    return (a * b) ** 0.5


def xor(a, b):
    return bool(a) != bool(b)


def implies(a, b):
    """Tell whether b holds wherever a does."""
    return not a or b


def sum_to(n):
    """Return 1 + 2 + ... + n."""
    total = 0
    for i in range(1, n + 1):
        total += i
    return total


def sum_between(a, b):
    """Return the sum of all whole numbers from a to b."""
    total = 0
    for number in range(a, b + 1):
        total += number
    return total


def sum_list(numbers):
    """Return the sum of a list."""
    total = 0
    for number in numbers:
        total += number
    return total


def sum_pairs(left, right):
    """Add two lists number by number."""
    result = []
    for a, b in zip(left, right):
        result.append(a + b)
    return result


def sum_digits(n):
    """Return the sum of the digits of n."""
    total = 0
    while n > 0:
        total += n % 10
        n //= 10
    return total


def sum_even(numbers):
    total = 0
    for number in numbers:
        if number % 2 == 0:
            total += number
    return total


def sum_odd(numbers):
    total = 0
    for number in numbers:
        if number % 2 == 1:
            total += number
    return total


def sum_squares(n):
    """Return 1 + 4 + 9 + ... + n * n."""
    return sum(i * i for i in range(1, n + 1))


def sum_values(table):
    """Return the sum of all values of a dictionary."""
    total = 0
    for key in table:
        total += table[key]
    return total


def sum_of_three(a, b, c):
    return a + b + c


def sum_positive(numbers):
    total = 0
    for number in numbers:
        if number > 0:
            total += number
    return total


def product(numbers):
    """Return the product of a list."""
    result = 1
    for number in numbers:
        result *= number
    return result


def clamp(value, low, high):
    """Return the value, kept between low and high."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def sign(x):
    """Return -1, 0 or 1."""
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 0


def absolute(x):
    """Return x without its sign."""
    if x < 0:
        return -x
    return x


def factorial(n):
    """Return 1 * 2 * ... * n."""
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result


def factorial_recursive(n):
    if n <= 1:
        return 1
    return n * factorial_recursive(n - 1)


def gcd(a, b):
    """Return the greatest common divisor of a and b."""
    while b != 0:
        a, b = b, a % b
    return a


def lcm(a, b):
    """Return the least common multiple of a and b."""
    return a * b // gcd(a, b)


def divmod_slow(a, b):
    """Divide by taking b away again and again."""
    count = 0
    while a >= b:
        a -= b
        count += 1
    return count, a


def multiply_slow(a, b):
    """Multiply by adding a, b times."""
    result = 0
    for _ in range(b):
        result = add(result, a)
    return result


def power_fast(base, exponent):
    """Raise to a power in few steps."""
    result = 1
    while exponent > 0:
        if exponent % 2 == 1:
            result *= base
        base *= base
        exponent //= 2
    return result


def safe_divide(a, b):
    """Divide, or complain about a zero."""
    if b == 0:
        raise ValueError("cannot divide by zero")
    return a / b


def try_divide(a, b):
    """Divide, or return None."""
    try:
        return a / b
    except ZeroDivisionError:
        return None


def swap(a, b):
    """Return both in the other order."""
    return b, a


def compare(a, b):
    """Return -1, 0 or 1 as a is less than, equal to or more than b."""
    if a < b:
        return -1
    if a > b:
        return 1
    return 0


def round_to(value, step):
    """Round to the nearest multiple of step."""
    return round(value / step) * step


def is_between(value, a, b):
    return a <= value <= b


def lerp(a, b, t):
    """Return the point between a and b at t from 0 to 1."""
    return a + (b - a) * t
