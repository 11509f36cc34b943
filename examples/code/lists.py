"""Functions on lists."""


def first(items):
    """Return the first item, or None."""
    return items[0] if items else None


def last(items):
    """Return the last item, or None."""
    return items[-1] if items else None


def maximum(numbers):
    """Return the largest number."""
    best = numbers[0]
    for number in numbers:
        if number > best:
            best = number
    return best


def minimum(numbers):
    """Return the smallest number."""
    best = numbers[0]
    for number in numbers:
        if number < best:
            best = number
    return best


def mean(numbers):
    """Return the mean of a list."""
    return sum(numbers) / len(numbers)


def median(numbers):
    """Return the number in the middle."""
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def variance(numbers):
    m = sum(numbers) / len(numbers)
    return sum((x - m) ** 2 for x in numbers) / len(numbers)


def count(items, wanted):
    """Count how often an item occurs."""
    total = 0
    for item in items:
        if item == wanted:
            total += 1
    return total


def contains(items, wanted):
    """Tell whether an item occurs."""
    for item in items:
        if item == wanted:
            return True
    return False


def index_of(items, wanted):
    """Return where an item stands, or -1."""
    for i, item in enumerate(items):
        if item == wanted:
            return i
    return -1


def reverse(items):
    """Return the items from behind."""
    result = []
    for item in items:
        result.insert(0, item)
    return result


def unique(items):
    """Return each item once, in the order of the list."""
    seen = set()
    result = []
    for item in items:
        if item not in seen:
            seen.add(item)
            result.append(item)
    return result


def flatten(lists):
    """Return one list of all items."""
    result = []
    for items in lists:
        for item in items:
            result.append(item)
    return result


def chunks(items, size):
    """Cut a list into pieces of a size."""
    result = []
    for i in range(0, len(items), size):
        result.append(items[i:i + size])
    return result


def rotate(items, steps):
    steps %= len(items)
    return items[steps:] + items[:steps]


def evens(numbers):
    return [n for n in numbers if n % 2 == 0]


def odds(numbers):
    return [n for n in numbers if n % 2 == 1]


def squares(numbers):
    """Return the square of each number."""
    return [n * n for n in numbers]


def doubled(numbers):
    return [2 * n for n in numbers]


def positives(numbers):
    result = []
    for n in numbers:
        if n > 0:
            result.append(n)
    return result


def running_total(numbers):
    """Return the sums so far."""
    total = 0
    result = []
    for number in numbers:
        total += number
        result.append(total)
    return result


def differences(numbers):
    """Return how much each number exceeds the one before."""
    return [b - a for a, b in zip(numbers, numbers[1:])]


def pairs(items):
    """Return all pairs of different items."""
    result = []
    for i in range(len(items)):
        for j in range(i + 1, len(items)):
            result.append((items[i], items[j]))
    return result


def interleave(a, b):
    """Take from a and b in turns."""
    result = []
    for x, y in zip(a, b):
        result.append(x)
        result.append(y)
    return result


def merge(a, b):
    """Merge two sorted lists into one."""
    result = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            result.append(a[i])
            i += 1
        else:
            result.append(b[j])
            j += 1
    return result + a[i:] + b[j:]


def concat(a, b):
    """Return the items of a, then those of b."""
    result = list(a)
    for item in b:
        result.append(item)
    return result


def intersection(a, b):
    """Return what a and b have in common."""
    return [item for item in a if item in b]


def union(a, b):
    result = list(a)
    for item in b:
        if item not in result:
            result.append(item)
    return result


def without(items, unwanted):
    return [item for item in items if item != unwanted]


def partition(items, test):
    """Part items by a test."""
    yes, no = [], []
    for item in items:
        if test(item):
            yes.append(item)
        else:
            no.append(item)
    return yes, no


def group_by(items, key):
    """Return a dictionary of lists by key."""
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def is_sorted(items):
    """Tell whether the items are in order."""
    for a, b in zip(items, items[1:]):
        if a > b:
            return False
    return True


def all_equal(items):
    return all(item == items[0] for item in items)


def take(items, n):
    return items[:n]


def drop(items, n):
    return items[n:]


def second_largest(numbers):
    ordered = sorted(set(numbers))
    return ordered[-2]


def dot(a, b):
    """Return the dot product of two vectors."""
    total = 0
    for x, y in zip(a, b):
        total += x * y
    return total


def distance(a, b):
    """Return the distance of two points."""
    total = 0
    for x, y in zip(a, b):
        total += (x - y) ** 2
    return total ** 0.5


def scale(vector, factor):
    return [factor * x for x in vector]


def normalize(vector):
    """Return the vector of length 1 in the same direction."""
    length = sum(x * x for x in vector) ** 0.5
    return [x / length for x in vector]


def argmax(numbers):
    """Return where the largest number stands."""
    best = 0
    for i in range(1, len(numbers)):
        if numbers[i] > numbers[best]:
            best = i
    return best


def argmin(numbers):
    best = 0
    for i in range(1, len(numbers)):
        if numbers[i] < numbers[best]:
            best = i
    return best
