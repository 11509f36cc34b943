"""Small classes."""


class Stack:
    """The last item in is the first out."""

    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        if not self.items:
            raise IndexError("the stack is empty")
        return self.items.pop()

    def peek(self):
        return self.items[-1]

    def is_empty(self):
        return len(self.items) == 0


class Queue:
    """The first item in is the first out."""

    def __init__(self):
        self.items = []

    def put(self, item):
        self.items.append(item)

    def get(self):
        if not self.items:
            raise IndexError("the queue is empty")
        return self.items.pop(0)

    def size(self):
        return len(self.items)


class Counter:
    """Counts up from a number."""

    def __init__(self, value=0):
        self.value = value

    def increment(self, step=1):
        self.value += step
        return self.value

    def reset(self):
        self.value = 0


class Point:
    """A point in the plane."""

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Point(self.x - other.x, self.y - other.y)

    def distance(self, other):
        return ((self.x - other.x) ** 2 + (self.y - other.y) ** 2) ** 0.5

    def __repr__(self):
        return "Point(%s, %s)" % (self.x, self.y)


class Account:
    """Money of a person."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount must be positive")
        self.balance += amount

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError("not enough money")
        self.balance -= amount


class Node:
    """A value and what hangs below it."""

    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

    def is_leaf(self):
        return self.left is None and self.right is None


class Rectangle:
    """A width and a height."""

    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height

    def perimeter(self):
        return 2 * (self.width + self.height)

    def is_square(self):
        return self.width == self.height


class Fraction:
    """A number such as 2/3."""

    def __init__(self, top, bottom):
        self.top = top
        self.bottom = bottom

    def __add__(self, other):
        top = self.top * other.bottom + other.top * self.bottom
        return Fraction(top, self.bottom * other.bottom)

    def __mul__(self, other):
        return Fraction(self.top * other.top, self.bottom * other.bottom)

    def value(self):
        return self.top / self.bottom


class LinkedList:
    """Items of which each knows the next."""

    def __init__(self):
        self.head = None
        self.length = 0

    def add(self, value):
        self.head = Link(value, self.head)
        self.length += 1

    def to_list(self):
        result = []
        link = self.head
        while link is not None:
            result.append(link.value)
            link = link.next
        return result


class Link:
    """One item of a linked list."""

    def __init__(self, value, next):
        self.value = value
        self.next = next


class Timer:
    """Counts the seconds that are left."""

    def __init__(self, seconds):
        self.seconds = seconds

    def tick(self):
        if self.seconds > 0:
            self.seconds -= 1

    def is_over(self):
        return self.seconds == 0


class Inventory:
    """How many there are of each thing."""

    def __init__(self):
        self.counts = {}

    def add(self, name, count=1):
        self.counts[name] = self.counts.get(name, 0) + count

    def remove(self, name, count=1):
        if self.counts.get(name, 0) < count:
            raise KeyError("not enough of " + name)
        self.counts[name] -= count

    def total(self):
        return sum(self.counts.values())


class Temperature:
    """Degrees in the scale of Celsius."""

    def __init__(self, celsius):
        self.celsius = celsius

    def fahrenheit(self):
        return self.celsius * 9 / 5 + 32

    def kelvin(self):
        return self.celsius + 273.15
