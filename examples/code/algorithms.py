"""Sorting, searching and counting ways."""


def bubble_sort(items):
    """Sort by swapping neighbours."""
    n = len(items)
    for i in range(n):
        for j in range(n - i - 1):
            if items[j] > items[j + 1]:
                items[j], items[j + 1] = items[j + 1], items[j]
    return items


def insertion_sort(items):
    """Sort as one sorts cards in the hand."""
    for i in range(1, len(items)):
        value = items[i]
        j = i - 1
        while j >= 0 and items[j] > value:
            items[j + 1] = items[j]
            j -= 1
        items[j + 1] = value
    return items


def selection_sort(items):
    """Sort by finding the smallest of the rest."""
    for i in range(len(items)):
        smallest = i
        for j in range(i + 1, len(items)):
            if items[j] < items[smallest]:
                smallest = j
        items[i], items[smallest] = items[smallest], items[i]
    return items


def quick_sort(items):
    """Sort around a pivot."""
    if len(items) < 2:
        return items
    pivot = items[0]
    less = [x for x in items[1:] if x < pivot]
    more = [x for x in items[1:] if x >= pivot]
    return quick_sort(less) + [pivot] + quick_sort(more)


def merge_sort(items):
    """Sort both halves, then merge them."""
    if len(items) < 2:
        return items
    middle = len(items) // 2
    left = merge_sort(items[:middle])
    right = merge_sort(items[middle:])
    return merge(left, right)


def counting_sort(numbers, limit):
    """Sort small whole numbers by counting them."""
    counts = [0] * limit
    for number in numbers:
        counts[number] += 1
    result = []
    for number, count in enumerate(counts):
        result.extend([number] * count)
    return result


def linear_search(items, wanted):
    """Look at one item after the other."""
    for i in range(len(items)):
        if items[i] == wanted:
            return i
    return -1


def binary_search(items, wanted):
    """Halve a sorted list until the item is found."""
    low = 0
    high = len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def lower_bound(items, value):
    """Return the first place where value could stand."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


def sort_by_length(words):
    return sorted(words, key=len)


def sort_descending(items):
    return sorted(items, reverse=True)


def sort_by_second(pairs):
    return sorted(pairs, key=lambda pair: pair[1])


def top(items, n):
    """Return the n largest items."""
    return sorted(items, reverse=True)[:n]


def permutations(items):
    """Return all orders of the items."""
    if len(items) <= 1:
        return [items]
    result = []
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1:]):
            result.append([item] + rest)
    return result


def subsets(items):
    """Return all ways to choose some of the items."""
    result = [[]]
    for item in items:
        result += [subset + [item] for subset in result]
    return result


def hanoi(n, source, target, spare):
    """Move n discs from source to target."""
    if n == 0:
        return 0
    moves = hanoi(n - 1, source, spare, target)
    print(source, "to", target)
    return moves + 1 + hanoi(n - 1, spare, target, source)


def two_sum(numbers, target):
    """Find two numbers whose sum is the target."""
    seen = {}
    for i, number in enumerate(numbers):
        if target - number in seen:
            return seen[target - number], i
        seen[number] = i
    return None


def max_subarray(numbers):
    """Return the largest sum of neighbours."""
    best = current = numbers[0]
    for number in numbers[1:]:
        current = max(number, current + number)
        best = max(best, current)
    return best


def climb_stairs(n):
    """Count the ways to take n stairs by one or two."""
    a, b = 1, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def coin_change(coins, amount):
    """Count the ways to pay an amount."""
    ways = [1] + [0] * amount
    for coin in coins:
        for i in range(coin, amount + 1):
            ways[i] += ways[i - coin]
    return ways[amount]


def knapsack(items, capacity):
    """Return the most value that fits."""
    best = [0] * (capacity + 1)
    for weight, value in items:
        for c in range(capacity, weight - 1, -1):
            best[c] = max(best[c], best[c - weight] + value)
    return best[capacity]
