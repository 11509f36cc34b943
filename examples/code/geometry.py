"""Areas, volumes and points."""

PI = 3.141592653589793


def rectangle_area(width, height):
    """Return the area of a rectangle."""
    return width * height


def rectangle_perimeter(width, height):
    """Return the length of all sides."""
    return 2 * (width + height)


def square_area(side):
    return side * side


def square_perimeter(side):
    return 4 * side


def triangle_area(base, height):
    """Return the area of a triangle."""
    return base * height / 2


def circle_area(radius):
    """Return the area of a circle."""
    return PI * radius * radius


def circle_length(radius):
    return 2 * PI * radius


def cube_volume(side):
    return side ** 3


def box_volume(width, height, depth):
    """Return the volume of a box."""
    return width * height * depth


def sphere_volume(radius):
    """Return the volume of a ball."""
    return 4 / 3 * PI * radius ** 3


def sphere_area(radius):
    return 4 * PI * radius ** 2


def cylinder_volume(radius, height):
    return PI * radius * radius * height


def cone_volume(radius, height):
    return PI * radius * radius * height / 3


def trapezoid_area(a, b, height):
    return (a + b) * height / 2


def ellipse_area(a, b):
    return PI * a * b


def diagonal(width, height):
    return (width ** 2 + height ** 2) ** 0.5


def midpoint(a, b):
    """Return the point in the middle of a and b."""
    return ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)


def slope(a, b):
    """Return how steep the line from a to b is."""
    return (b[1] - a[1]) / (b[0] - a[0])


def manhattan(a, b):
    """Return the way from a to b along the streets."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def add_points(a, b):
    return (a[0] + b[0], a[1] + b[1])


def subtract_points(a, b):
    return (a[0] - b[0], a[1] - b[1])


def cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


def is_right_triangle(a, b, c):
    return a * a + b * b == c * c


def is_inside(point, center, radius):
    """Tell whether a point is in a circle."""
    return (point[0] - center[0]) ** 2 + (point[1] - center[1]) ** 2 <= radius ** 2
