"""Writes src/test/resources/golden/csv.json: CSV texts and what pandas.read_csv, which Hugging Face's datasets calls, reads.

Made with pandas 3.1.1:
    python make_golden_csv.py
"""

import csv
import io
import json
from pathlib import Path

import pandas as pd

OUT = Path(__file__).parent.parent / "resources" / "golden" / "csv.json"

TEXTS = [
    # fewer fields
    "a,b\n1\n",
    "a,b,c\n1\n1,2\n",
    "a,b\n1,\n,2\n,\n",
    # blank lines
    "a,b\n\n1,2\n\n\n",
    "a,b\n   \n1,2\n",
    "a,b\n \t \n1,2\n",
    "a\n\nx\n",
    "a\n  \nx\n",
    'a\n""\nx\n',
    "\na,b\n1,2\n",
    "  \na,b\n1,2\n",
    "a,b\n1,2\n  ",
    # quotes
    'a,b\n"x"y,2\n',
    'a,b\n"x"y"z,2\n',
    'a,b\nx"y",2\n',
    'a,b\n"x""y",2\n',
    'a,b\n "x",2\n',
    'a,b\n"x" ,2\n',
    'a,b\n"x""",2\n',
    'a,b\n""x,2\n',
    'a,b\n"x\ny",2\n',
    'a,b\n"x\r\ny",2\r\n',
    'a,b\n"x,y",2\n',
    '"a,b",c\n1,2\n',
    '"a\nb",c\n1,2\n',
    # quotes that are not closed
    'a,b\n"x,2\n3,4\n',
    'a\n1\n"',
    'a\n1\n"x',
    'a,b\n"""x,2\n',
    'a,b\n1,"x""',
    # too many fields
    "a,b\n1,2\n1,2,3\n",
    "a,b\n1,2\n3,4,\n",
    # line ends
    "a,b\n1,2\r\n3,4\r\n",
    "a,b\r1,2\r3,4\r",
    "a\n1\r\r2\r\n\n3",
    "a,b\r\n\r\n1,2\r\n \r\n3,4",
    # no value
    "a,b\nNA,None\nnull,NaN\nn/a,nan\n<NA>,x\n",
    "a,b\n#N/A,#NA\n-1.#IND,1.#QNAN\n-nan,NULL\nN/A,-NaN\n",
    'a,b\n"NA",2\n',
    "a,b\nna,NONE\nNull,NAN\n",
    # headers
    "a,,b\n1,2,3\n",
    " a , b \n1,2\n",
    "\ufeffa,b\n1,2\n",
    "a,b",
    "a b\n1 2\n",
    # names that occur twice
    "text,text\n1,2\n",
    "a,a,a\n1,2,3\n",
    "a,a.1,a\n1,2,3\n",
    "a.1,a,a\n1,2,3\n",
    "Unnamed: 1,,x\n1,2,3\n",
    ",,\n1,2,3\n",
    "a,a,a.1,a.1\n1,2,3,4\n",
    "x,x,x.1,x\n1,2,3,4\n",
    "a,a.1,a.2,a,a\n1,2,3,4,5\n",
    # no header
    "",
    "\n \n",
    # other characters
    "a,b\n  x,2\n",
    "a,b\n1,2\n   1,2\n",
    "a,b\n#x,2\n",
    "a,b\n\0x,2\n",
    "a,b\ngr\u00f6\u00dfe,\U0001f600\n",
]

DIALECTS = [
    dict(text="a;b\n1,5;2\n", delimiter=";"),
    dict(text="a\tb\n\t2\n \t \n1\n", delimiter="\t"),
    dict(text="a|b\n'x|y'|2\n", delimiter="|", quote="'"),
    dict(text="a,b\n'x''y',\"2\n", quote="'"),
    dict(text='a,b\n"x,2\n3",4"\n', quote=None),
]


def read(text, delimiter=",", quote='"'):
    quoting = dict(quoting=csv.QUOTE_NONE) if quote is None else dict(quotechar=quote)
    case = dict(text=text, delimiter=delimiter, quote=quote)
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, sep=delimiter, **quoting)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as e:
        return case | dict(error=str(e).strip())
    assert isinstance(table.index, pd.RangeIndex), text  # no column was taken for an index
    table = table.astype(object).where(table.notna(), None)
    return case | dict(columns=list(table.columns), rows=table.values.tolist())


cases = [read(text) for text in TEXTS] + [read(**dialect) for dialect in DIALECTS]
OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
