"""Prints the code block of README.md that follows `<!-- NAME -->`.

    python block.py README.md NAME
"""
import re
import sys

path, name = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    text = file.read()
found = re.search(rf"<!-- {re.escape(name)} -->\n+```\w*\n(.*?)```\n", text, re.DOTALL)
if not found:
    sys.exit(f"{path} has no block {name}")
sys.stdout.write(found[1])
