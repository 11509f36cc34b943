"""Money, scores and physics."""


def total_price(prices):
    """Return the price of all together."""
    total = 0
    for price in prices:
        total += price
    return total


def price_with_tax(price, rate):
    """Add the tax in percent."""
    return price + price * rate / 100


def discount(price, percent):
    """Take a discount off."""
    return price - price * percent / 100


def tip(amount, percent):
    return amount * percent / 100


def split_bill(amount, people):
    """Return what each person pays."""
    return round(amount / people, 2)


def simple_interest(principal, rate, years):
    return principal * rate * years / 100


def compound_interest(principal, rate, years):
    """Return what a sum of money grows to."""
    amount = principal
    for _ in range(years):
        amount += amount * rate / 100
    return amount


def monthly_payment(loan, rate, months):
    """Return what is to be paid each month."""
    r = rate / 1200
    return loan * r / (1 - (1 + r) ** -months)


def make_change(amount, coins):
    """Pay an amount with large coins first."""
    result = []
    for coin in sorted(coins, reverse=True):
        while amount >= coin:
            amount -= coin
            result.append(coin)
    return result


def format_price(amount):
    return "$%.2f" % amount


def is_profit(cost, price):
    return price > cost


def profit(cost, price):
    """Return what is earned."""
    return price - cost


def cheapest(prices):
    """Return the name of the cheapest thing."""
    return min(prices, key=prices.get)


def average_price(prices):
    if not prices:
        return 0
    return sum(prices) / len(prices)


def deposit(balance, amount):
    """Put money into an account."""
    if amount <= 0:
        raise ValueError("amount must be positive")
    return balance + amount


def withdraw(balance, amount):
    """Take money from an account."""
    if amount > balance:
        raise ValueError("not enough money")
    return balance - amount


def transfer(accounts, source, target, amount):
    """Move money between accounts."""
    accounts[source] -= amount
    accounts[target] += amount
    return accounts


def convert(amount, rates, source, target):
    """Change money into another currency."""
    return amount / rates[source] * rates[target]


def grade(score):
    """Return the grade for a score."""
    if score >= 90:
        return "A"
    if score >= 80:
        return "B"
    if score >= 70:
        return "C"
    if score >= 60:
        return "D"
    return "F"


def pass_rate(scores, limit):
    passed = 0
    for score in scores:
        if score >= limit:
            passed += 1
    return passed / len(scores)


def body_mass_index(weight, height):
    return weight / height ** 2


def speed(distance, time):
    return distance / time


def force(mass, acceleration):
    return mass * acceleration


def energy(mass, velocity):
    return mass * velocity ** 2 / 2


def density(mass, volume):
    return mass / volume


def pressure(force, area):
    return force / area


def work(force, distance):
    return force * distance


def voltage(current, resistance):
    return current * resistance
