"""Matrices, grids, graphs and trees."""


def zeros(rows, columns):
    """Return a matrix of zeros."""
    return [[0] * columns for _ in range(rows)]


def identity(n):
    """Return the matrix that changes nothing."""
    result = zeros(n, n)
    for i in range(n):
        result[i][i] = 1
    return result


def transpose(matrix):
    """Turn rows into columns."""
    return [list(row) for row in zip(*matrix)]


def add_matrices(a, b):
    """Return the sum of two matrices."""
    result = []
    for row_a, row_b in zip(a, b):
        result.append([x + y for x, y in zip(row_a, row_b)])
    return result


def subtract_matrices(a, b):
    """Return the difference of two matrices."""
    result = []
    for row_a, row_b in zip(a, b):
        result.append([x - y for x, y in zip(row_a, row_b)])
    return result


def multiply_matrices(a, b):
    """Return the product of two matrices."""
    rows, columns = len(a), len(b[0])
    result = zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            for k in range(len(b)):
                result[i][j] += a[i][k] * b[k][j]
    return result


def trace(matrix):
    """Return the sum of the diagonal."""
    total = 0
    for i in range(len(matrix)):
        total += matrix[i][i]
    return total


def determinant(m):
    """Return the determinant of a matrix of two rows."""
    return m[0][0] * m[1][1] - m[0][1] * m[1][0]


def row_sums(matrix):
    return [sum(row) for row in matrix]


def column_sums(matrix):
    return [sum(column) for column in zip(*matrix)]


def print_matrix(matrix):
    """Print a matrix row by row."""
    for row in matrix:
        print(" ".join(str(x) for x in row))


def rotate_matrix(matrix):
    """Turn a matrix to the right."""
    return [list(row) for row in zip(*matrix[::-1])]


def neighbours(grid, row, column):
    """Return the fields around a field."""
    result = []
    for r in range(row - 1, row + 2):
        for c in range(column - 1, column + 2):
            if (r, c) != (row, column) and 0 <= r < len(grid) and 0 <= c < len(grid[0]):
                result.append(grid[r][c])
    return result


def next_generation(grid):
    """One step of the game of life."""
    result = zeros(len(grid), len(grid[0]))
    for r in range(len(grid)):
        for c in range(len(grid[0])):
            alive = sum(neighbours(grid, r, c))
            if alive == 3 or (alive == 2 and grid[r][c]):
                result[r][c] = 1
    return result


def flood_fill(grid, row, column, colour):
    """Paint a field and all like it around."""
    old = grid[row][column]
    if old == colour:
        return grid
    stack = [(row, column)]
    while stack:
        r, c = stack.pop()
        if 0 <= r < len(grid) and 0 <= c < len(grid[0]) and grid[r][c] == old:
            grid[r][c] = colour
            stack += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return grid


def bfs(graph, start):
    """Visit all nodes, near ones first."""
    seen = [start]
    queue = [start]
    while queue:
        node = queue.pop(0)
        for other in graph[node]:
            if other not in seen:
                seen.append(other)
                queue.append(other)
    return seen


def dfs(graph, node, seen=None):
    """Visit all nodes, going deep first."""
    if seen is None:
        seen = []
    seen.append(node)
    for other in graph[node]:
        if other not in seen:
            dfs(graph, other, seen)
    return seen


def shortest_path(graph, start, goal):
    """Return the way with the fewest steps."""
    queue = [[start]]
    seen = {start}
    while queue:
        path = queue.pop(0)
        if path[-1] == goal:
            return path
        for node in graph[path[-1]]:
            if node not in seen:
                seen.add(node)
                queue.append(path + [node])
    return None


def add_edge(graph, a, b):
    """Connect a and b."""
    graph.setdefault(a, []).append(b)
    graph.setdefault(b, []).append(a)
    return graph


def has_edge(graph, a, b):
    return b in graph.get(a, [])


def depth(tree):
    """Return how many levels a tree has."""
    if tree is None:
        return 0
    return 1 + max(depth(tree.left), depth(tree.right))


def size(tree):
    """Count the nodes of a tree."""
    if tree is None:
        return 0
    return 1 + size(tree.left) + size(tree.right)


def insert(tree, value):
    """Put a value into a sorted tree."""
    if tree is None:
        return Node(value)
    if value < tree.value:
        tree.left = insert(tree.left, value)
    else:
        tree.right = insert(tree.right, value)
    return tree


def in_order(tree):
    """Return the values of a tree in order."""
    if tree is None:
        return []
    return in_order(tree.left) + [tree.value] + in_order(tree.right)
