"""Functions on texts."""


def is_palindrome(text):
    """Tell whether a text reads the same from behind."""
    cleaned = [c.lower() for c in text if c.isalpha()]
    return cleaned == cleaned[::-1]


def reverse_string(text):
    """Return the text from behind."""
    result = ""
    for c in text:
        result = c + result
    return result


def count_vowels(text):
    """Count the vowels of a text."""
    count = 0
    for c in text.lower():
        if c in "aeiou":
            count += 1
    return count


def count_words(text):
    """Count the words of a text."""
    return len(text.split())


def word_counts(text):
    """Count how often each word occurs."""
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    return counts


def letter_counts(text):
    """Count how often each letter occurs."""
    counts = {}
    for c in text:
        if c.isalpha():
            counts[c] = counts.get(c, 0) + 1
    return counts


def most_common(text):
    """Return the word that occurs most."""
    counts = word_counts(text)
    return max(counts, key=counts.get)


def longest_word(text):
    """Return the longest word."""
    longest = ""
    for word in text.split():
        if len(word) > len(longest):
            longest = word
    return longest


def shortest_word(text):
    return min(text.split(), key=len)


def capitalize_words(text):
    """Begin each word with a capital letter."""
    return " ".join(word.capitalize() for word in text.split())


def acronym(text):
    """Return the first letters of all words."""
    return "".join(word[0].upper() for word in text.split())


def remove_spaces(text):
    return "".join(c for c in text if c != " ")


def remove_vowels(text):
    return "".join(c for c in text if c.lower() not in "aeiou")


def are_anagrams(a, b):
    """Tell whether a and b have the same letters."""
    return sorted(a.lower()) == sorted(b.lower())


def caesar(text, shift):
    """Shift each letter in the alphabet."""
    result = ""
    for c in text:
        if c.isalpha():
            base = ord("a") if c.islower() else ord("A")
            result += chr((ord(c) - base + shift) % 26 + base)
        else:
            result += c
    return result


def compress(text):
    """Write runs of a letter as the letter and its number."""
    result = ""
    i = 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        result += text[i] + str(j - i)
        i = j
    return result


def common_prefix(a, b):
    """Return how a and b begin alike."""
    i = 0
    while i < len(a) and i < len(b) and a[i] == b[i]:
        i += 1
    return a[:i]


def starts_with(text, prefix):
    return text[:len(prefix)] == prefix


def ends_with(text, suffix):
    return text[-len(suffix):] == suffix


def repeat(text, times):
    result = ""
    for _ in range(times):
        result += text
    return result


def pad_left(text, width):
    """Add spaces on the left."""
    while len(text) < width:
        text = " " + text
    return text


def pad_right(text, width):
    """Add spaces on the right."""
    while len(text) < width:
        text = text + " "
    return text


def center(text, width):
    """Put a text in the middle."""
    left = (width - len(text)) // 2
    right = width - len(text) - left
    return " " * left + text + " " * right


def wrap(text, width):
    """Break a text into lines of a width."""
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + " " + word if line else word
    if line:
        lines.append(line)
    return lines


def is_number(text):
    """Tell whether a text is a number."""
    try:
        float(text)
        return True
    except ValueError:
        return False


def parse_pair(text):
    """Split a text such as key = value."""
    key, value = text.split("=", 1)
    return key.strip(), value.strip()


def parse_numbers(text):
    """Read numbers that are separated by commas."""
    return [int(word) for word in text.split(",")]


def join(words, separator):
    """Put words together."""
    result = ""
    for i, word in enumerate(words):
        if i > 0:
            result += separator
        result += word
    return result


def replace(text, old, new):
    return new.join(text.split(old))


def edit_distance(a, b):
    """Count the changes that turn a into b."""
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            cost = 0 if x == y else 1
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost))
        previous = current
    return previous[-1]


def hamming(a, b):
    """Count the places where a and b differ."""
    return sum(x != y for x, y in zip(a, b))


def is_balanced(text):
    """Tell whether each bracket has its partner."""
    depth = 0
    for c in text:
        if c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
        if depth < 0:
            return False
    return depth == 0


def snake_to_camel(name):
    """Turn my_name into myName."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def camel_to_snake(name):
    """Turn myName into my_name."""
    result = ""
    for c in name:
        if c.isupper():
            result += "_"
        result += c.lower()
    return result


def plural(word, count):
    return word if count == 1 else word + "s"


def greet(name):
    """Greet somebody."""
    return "Hello, " + name + "!"


def say(name, text):
    print(name + ": " + text)


def initials(name):
    return ". ".join(part[0] for part in name.split()) + "."


def fizz_buzz(n):
    """Count as children do in the game."""
    for i in range(1, n + 1):
        if i % 15 == 0:
            print("FizzBuzz")
        elif i % 3 == 0:
            print("Fizz")
        elif i % 5 == 0:
            print("Buzz")
        else:
            print(i)
