"""Dictionaries, files and functions of functions."""


def invert(table):
    """Swap keys and values."""
    return {value: key for key, value in table.items()}


def merge_tables(a, b):
    """Return the entries of both; those of b win."""
    result = dict(a)
    for key, value in b.items():
        result[key] = value
    return result


def add_tables(a, b):
    """Add the numbers of both by key."""
    result = dict(a)
    for key in b:
        result[key] = result.get(key, 0) + b[key]
    return result


def get(table, key, default=None):
    if key in table:
        return table[key]
    return default


def keys_with(table, value):
    """Return the keys that have a value."""
    return [key for key in table if table[key] == value]


def pick(table, keys):
    return {key: table[key] for key in keys if key in table}


def sort_by_value(table):
    return sorted(table.items(), key=lambda item: item[1])


def count_items(items):
    """Count how often each item occurs."""
    counts = {}
    for item in items:
        if item in counts:
            counts[item] += 1
        else:
            counts[item] = 1
    return counts


def same_keys(a, b):
    return set(a) == set(b)


def read_lines(path):
    """Return the lines of a file."""
    with open(path) as file:
        return [line.rstrip() for line in file]


def write_lines(path, lines):
    """Write lines to a file."""
    with open(path, "w") as file:
        for line in lines:
            file.write(line + "\n")


def count_lines(path):
    """Count the lines of a file."""
    count = 0
    with open(path) as file:
        for line in file:
            count += 1
    return count


def copy_file(source, target):
    """Copy a text file."""
    with open(source) as a, open(target, "w") as b:
        b.write(a.read())


def find_in_file(path, word):
    """Return the first line that has a word."""
    with open(path) as file:
        for number, line in enumerate(file, 1):
            if word in line:
                return number
    return None


def read_settings(path):
    """Read lines such as key = value."""
    settings = {}
    for line in read_lines(path):
        if line and not line.startswith("#"):
            key, value = line.split("=", 1)
            settings[key.strip()] = value.strip()
    return settings


def read_table(path):
    """Read a file of values separated by commas."""
    rows = []
    for line in read_lines(path):
        rows.append(line.split(","))
    return rows


def file_extension(path):
    name, dot, extension = path.rpartition(".")
    return extension if dot else ""


def apply(function, items):
    """Call a function with each item."""
    result = []
    for item in items:
        result.append(function(item))
    return result


def keep(test, items):
    """Keep the items that pass a test."""
    return [item for item in items if test(item)]


def fold(function, items, start):
    """Combine all items into one value."""
    result = start
    for item in items:
        result = function(result, item)
    return result


def compose(f, g):
    """Return the function that calls g, then f."""
    def both(x):
        return f(g(x))
    return both


def twice(f):
    def both(x):
        return f(f(x))
    return both


def memoize(function):
    """Remember what a function returned."""
    cache = {}
    def remembered(x):
        if x not in cache:
            cache[x] = function(x)
        return cache[x]
    return remembered


def retry(function, times):
    """Call a function until it works."""
    for attempt in range(times):
        try:
            return function()
        except OSError as error:
            print("attempt", attempt, "failed:", error)
    return None


def countdown(n):
    """Yield n, n - 1 and so on to 1."""
    while n > 0:
        yield n
        n -= 1


def count_from(start, step=1):
    """Count without end."""
    while True:
        yield start
        start += step


def window(items, size):
    """Yield all neighbours of a number."""
    for i in range(len(items) - size + 1):
        yield items[i:i + size]


def main():
    """Show what this file can do."""
    numbers = [3, 1, 4, 1, 5, 9, 2, 6]
    print("numbers:", numbers)
    print("sum:", sum(numbers))
    print("sorted:", sorted(numbers))


if __name__ == "__main__":
    main()
