"""Whole numbers: primes, digits, sequences."""


def is_even(n):
    """Tell whether n is even."""
    return n % 2 == 0


def is_odd(n):
    """Tell whether n is odd."""
    return n % 2 == 1


def is_prime(n):
    """Tell whether n is a prime number."""
    if n < 2:
        return False
    for i in range(2, int(n ** 0.5) + 1):
        if n % i == 0:
            return False
    return True


def primes_below(limit):
    """Return all primes below a limit."""
    primes = []
    for n in range(2, limit):
        if is_prime(n):
            primes.append(n)
    return primes


def sieve(limit):
    """Find primes as Eratosthenes did."""
    marks = [True] * limit
    marks[0:2] = [False, False]
    for i in range(2, limit):
        if marks[i]:
            for j in range(i * i, limit, i):
                marks[j] = False
    return [i for i in range(limit) if marks[i]]


def prime_factors(n):
    """Return the primes whose product is n."""
    factors = []
    divisor = 2
    while n > 1:
        while n % divisor == 0:
            factors.append(divisor)
            n //= divisor
        divisor += 1
    return factors


def divisors(n):
    """Return all numbers that divide n."""
    result = []
    for i in range(1, n + 1):
        if n % i == 0:
            result.append(i)
    return result


def is_perfect(n):
    return sum(divisors(n)) == 2 * n


def fibonacci(n):
    """Return the number n of the Fibonacci sequence."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def fibonacci_list(n):
    """Return the first n Fibonacci numbers."""
    numbers = [0, 1]
    while len(numbers) < n:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:n]


def fibonacci_recursive(n):
    if n < 2:
        return n
    return fibonacci_recursive(n - 1) + fibonacci_recursive(n - 2)


def collatz(n):
    """Count the steps until n becomes 1."""
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def triangular(n):
    return n * (n + 1) // 2


def is_square(n):
    """Tell whether n is the square of a whole number."""
    root = int(n ** 0.5)
    return root * root == n


def digits(n):
    """Return the digits of n as a list."""
    return [int(c) for c in str(n)]


def count_digits(n):
    count = 0
    while n > 0:
        count += 1
        n //= 10
    return count


def reverse_number(n):
    """Return n read from behind."""
    result = 0
    while n > 0:
        result = 10 * result + n % 10
        n //= 10
    return result


def to_binary(n):
    """Return n in the binary system."""
    if n == 0:
        return "0"
    bits = ""
    while n > 0:
        bits = str(n % 2) + bits
        n //= 2
    return bits


def from_binary(bits):
    """Return the number that is written as zeros and ones."""
    value = 0
    for bit in bits:
        value = 2 * value + int(bit)
    return value


def to_roman(n):
    """Return n as the Romans wrote it."""
    signs = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    result = ""
    for value, sign in signs:
        while n >= value:
            result += sign
            n -= value
    return result


def count_bits(n):
    """Count the ones in the binary form of n."""
    count = 0
    while n:
        count += n & 1
        n >>= 1
    return count


def is_power_of_two(n):
    return n > 0 and n & (n - 1) == 0


def are_coprime(a, b):
    """Tell whether a and b share no divisor."""
    while b:
        a, b = b, a % b
    return a == 1


def mod_power(base, exponent, modulus):
    result = 1
    base %= modulus
    while exponent:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


def binomial(n, k):
    """Return in how many ways k of n things can be chosen."""
    if k < 0 or k > n:
        return 0
    result = 1
    for i in range(k):
        result = result * (n - i) // (i + 1)
    return result


def pascal_row(n):
    """Return row n of Pascal's triangle."""
    row = [1]
    for k in range(n):
        row.append(row[k] * (n - k) // (k + 1))
    return row


def square_root(x, tolerance=1e-9):
    """Find the square root as Newton did."""
    guess = x / 2 or 1.0
    while abs(guess * guess - x) > tolerance:
        guess = (guess + x / guess) / 2
    return guess
