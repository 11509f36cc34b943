"""Units, times and dates."""


def celsius_to_fahrenheit(celsius):
    """Convert celsius to fahrenheit."""
    return celsius * 9 / 5 + 32


def fahrenheit_to_celsius(fahrenheit):
    """Convert fahrenheit to celsius."""
    return (fahrenheit - 32) * 5 / 9


def celsius_to_kelvin(celsius):
    """Convert celsius to kelvin."""
    return celsius + 273.15


def kelvin_to_celsius(kelvin):
    """Convert kelvin to celsius."""
    return kelvin - 273.15


def miles_to_kilometers(miles):
    """Convert miles to kilometers."""
    return miles * 1.609344


def kilometers_to_miles(kilometers):
    """Convert kilometers to miles."""
    return kilometers / 1.609344


def meters_to_feet(meters):
    """Convert meters to feet."""
    return meters / 0.3048


def feet_to_meters(feet):
    """Convert feet to meters."""
    return feet * 0.3048


def inches_to_centimeters(inches):
    """Convert inches to centimeters."""
    return inches * 2.54


def centimeters_to_inches(centimeters):
    """Convert centimeters to inches."""
    return centimeters / 2.54


def yards_to_meters(yards):
    """Convert yards to meters."""
    return yards * 0.9144


def meters_to_yards(meters):
    """Convert meters to yards."""
    return meters / 0.9144


def pounds_to_kilograms(pounds):
    """Convert pounds to kilograms."""
    return pounds * 0.45359237


def kilograms_to_pounds(kilograms):
    """Convert kilograms to pounds."""
    return kilograms / 0.45359237


def ounces_to_grams(ounces):
    """Convert ounces to grams."""
    return ounces * 28.349523125


def grams_to_ounces(grams):
    """Convert grams to ounces."""
    return grams / 28.349523125


def gallons_to_liters(gallons):
    """Convert gallons to liters."""
    return gallons * 3.785411784


def liters_to_gallons(liters):
    """Convert liters to gallons."""
    return liters / 3.785411784


def hours_to_minutes(hours):
    """Convert hours to minutes."""
    return hours * 60


def minutes_to_seconds(minutes):
    """Convert minutes to seconds."""
    return minutes * 60


def days_to_hours(days):
    """Convert days to hours."""
    return days * 24


def weeks_to_days(weeks):
    """Convert weeks to days."""
    return weeks * 7


def seconds_to_minutes(seconds):
    """Convert seconds to minutes."""
    return seconds / 60


def minutes_to_hours(minutes):
    """Convert minutes to hours."""
    return minutes / 60


def knots_to_kmh(knots):
    """Convert knots to kmh."""
    return knots * 1.852


def kmh_to_mps(kmh):
    """Convert kmh to mps."""
    return kmh / 3.6


def mps_to_kmh(mps):
    """Convert mps to kmh."""
    return mps * 3.6


def joules_to_calories(joules):
    """Convert joules to calories."""
    return joules / 4.184


def calories_to_joules(calories):
    """Convert calories to joules."""
    return calories * 4.184


def acres_to_hectares(acres):
    """Convert acres to hectares."""
    return acres * 0.40468564


def hectares_to_acres(hectares):
    """Convert hectares to acres."""
    return hectares / 0.40468564


def horsepower_to_watts(horsepower):
    """Convert horsepower to watts."""
    return horsepower * 745.7


def watts_to_horsepower(watts):
    """Convert watts to horsepower."""
    return watts / 745.7


def bytes_to_kilobytes(bytes):
    """Convert bytes to kilobytes."""
    return bytes / 1024


def kilobytes_to_megabytes(kilobytes):
    """Convert kilobytes to megabytes."""
    return kilobytes / 1024


def bits_to_bytes(bits):
    """Convert bits to bytes."""
    return bits / 8


def degrees_to_turns(degrees):
    """Convert degrees to turns."""
    return degrees / 360


def turns_to_degrees(turns):
    """Convert turns to degrees."""
    return turns * 360


def seconds_to_clock(seconds):
    """Return hours, minutes and seconds."""
    hours = seconds // 3600
    minutes = seconds % 3600 // 60
    seconds = seconds % 60
    return "%02d:%02d:%02d" % (hours, minutes, seconds)


def clock_to_seconds(text):
    hours, minutes, seconds = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds)


def is_leap_year(year):
    """Tell whether a year has 366 days."""
    if year % 400 == 0:
        return True
    if year % 100 == 0:
        return False
    return year % 4 == 0


def days_in_month(year, month):
    """Return how many days a month has."""
    if month == 2:
        return 29 if is_leap_year(year) else 28
    if month in (4, 6, 9, 11):
        return 30
    return 31


def days_in_year(year):
    return 366 if is_leap_year(year) else 365


def day_of_year(year, month, day):
    """Count the days since new year."""
    total = day
    for m in range(1, month):
        total += days_in_month(year, m)
    return total


def weekday_name(number):
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    return names[number % 7]


def month_name(number):
    names = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
    return names[number - 1]


def age(birth_year, year):
    return year - birth_year


def format_size(size):
    """Return a number of bytes as text."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1024:
            return "%.1f %s" % (size, unit)
        size /= 1024
    return "%.1f TB" % size
