#!/usr/bin/env python3
"""Writes the manual pages from what the programs say of themselves, so that the two never disagree.

    manpages.py --version 0.1.0 --epoch SECONDS --configuration Config/gateway.toml --out DIR PROGRAM...

One page for each program and each of its commands (section 1), and one for the configuration (section 5): the shipped
file, which explains every key.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from typing import Any, Dict, List

COMMON = {"help", "version"}
FILES = {
    "lumbung": [
        ("/etc/lumbung/gateway.toml", "The configuration; see gateway.toml(5)."),
        ("/etc/lumbung/profiles", "Profiles of one's own, beside those of /usr/share/lumbung/profiles."),
        ("/etc/credstore/lumbung.broker.password, lumbung.central.token",
         "Secrets that the service is given, whatever else the configuration names."),
        ("/var/lib/lumbung", "The store: the only copy of what was acknowledged and has not left yet."),
    ],
    "lumbung-central": [
        ("/etc/lumbung-central/tokens", "The tokens that may write, one a line. A new installation makes one."),
        ("/var/lib/lumbung-central", "The database."),
    ],
}
EXIT_STATUS = [
    ("0", "fine"), ("64", "usage"), ("65", "the data was refused"), ("69", "a needed service is unavailable"),
    ("74", "input or output failed"), ("78", "the configuration is not valid"),
]


def escape(text: str) -> str:
    """Plain text for roff: no line begins a request, hyphens are those that one types."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def prose(text: str) -> str:
    """Paragraphs; what is indented stays as it is."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if all(line.startswith(" ") for line in paragraph.split("\n")):
            parts.append(".PP\n.nf\n.RS 4\n" + escape(paragraph) + "\n.RE\n.fi")
        else:
            parts.append(".PP\n" + escape(paragraph))
    return "\n".join(parts)[len(".PP\n"):]


def option_name(name: Dict[str, str]) -> str:
    return escape(("--" if name["kind"] == "long" else "-") + name["name"])


def usage(path: List[str], command: Dict[str, Any]) -> str:
    words = [f"\\fB{escape(' '.join(path))}\\fR"]
    if command.get("subcommands"):
        return " ".join(words) + " \\fICOMMAND\\fR [\\fIOPTION\\fR]..."
    for argument in shown(command):
        value = f"\\fI{escape(argument.get('valueName', ''))}\\fR"
        if argument["kind"] == "positional":
            word = value
        else:
            word = f"\\fB{option_name(argument['preferredName'])}\\fR"
            word += f" {value}" if argument["kind"] == "option" else ""
        if argument.get("isRepeating"):
            word += "..."
        words.append(f"[{word}]" if argument.get("isOptional") else word)
    return " ".join(words)


def shown(command: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [
        argument for argument in command.get("arguments", [])
        if argument.get("shouldDisplay", True)
        and (argument.get("preferredName") or {}).get("name") not in COMMON
    ]


def described(argument: Dict[str, Any]) -> str:
    value = f"\\fI{escape(argument.get('valueName', ''))}\\fR"
    if argument["kind"] == "positional":
        head = value
    else:
        head = ", ".join(f"\\fB{option_name(name)}\\fR" for name in argument["names"])
        head += f" {value}" if argument["kind"] == "option" else ""
    text = " ".join(part for part in (argument.get("abstract"), argument.get("discussion")) if part)
    if argument.get("defaultValue"):
        text += f" Without it: {argument['defaultValue']}."
    if argument.get("allValues"):
        text += f" One of {', '.join(argument['allValues'])}."
    return f".TP\n{head}\n{escape(text.strip())}"


def page(path: List[str], command: Dict[str, Any], title: str) -> str:
    name = "-".join(path)
    program = path[0]
    abstract = command.get("abstract", "").rstrip(".")
    parts = [
        title.format(name=escape(name.upper()), section=1),
        f".SH NAME\n{escape(name)} \\- {escape(abstract)}",
        f".SH SYNOPSIS\n{usage(path, command)}",
    ]
    if command.get("discussion"):
        parts.append(".SH DESCRIPTION\n" + prose(command["discussion"]))
    children = [child for child in command.get("subcommands", []) if child["commandName"] != "help"]
    if children:
        parts.append(".SH COMMANDS")
        for child in children:
            parts.append(f".TP\n\\fB{escape(child['commandName'])}\\fR\n{escape(child.get('abstract', ''))} "
                         f"See \\fB{escape('-'.join(path + [child['commandName']]))}\\fR(1).")
    options = [described(argument) for argument in shown(command)]
    if options:
        parts.append(".SH OPTIONS\n" + "\n".join(options))
    parts.append(".SH EXIT STATUS\n" + "\n".join(f".TP\n{code}\n{escape(text)}" for code, text in EXIT_STATUS))
    if len(path) == 1 and program in FILES:
        parts.append(".SH FILES\n" + "\n".join(f".TP\n\\fI{escape(f)}\\fR\n{escape(t)}" for f, t in FILES[program]))
    others = [f"\\fB{escape(program)}\\fR(1)"] if len(path) > 1 else []
    if program == "lumbung":
        others.append("\\fBgateway.toml\\fR(5)")
        if len(path) == 1:
            others.append("\\fBlumbung\\-central\\fR(1)")
    elif len(path) == 1:
        others.append("\\fBlumbung\\fR(1)")
    if others:
        parts.append(".SH SEE ALSO\n" + ",\n".join(others))
    return "\n".join(parts) + "\n"


def write_program(program: str, out: str, title: str) -> None:
    help_text = subprocess.run(
        [program, "--experimental-dump-help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    root = json.loads(help_text)["command"]

    def write(path: List[str], command: Dict[str, Any]) -> None:
        if not command.get("shouldDisplay", True) or command["commandName"] == "help":
            return
        with open(os.path.join(out, "-".join(path) + ".1"), "w", encoding="utf-8") as file:
            file.write(page(path, command, title))
        for child in command.get("subcommands", []):
            write(path + [child["commandName"]], child)

    write([root["commandName"]], root)


def write_configuration(path: str, out: str, title: str) -> None:
    """The shipped file: its comments are the reference, its chapters the page's sections."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    parts = [
        title.format(name="GATEWAY.TOML", section=5),
        ".SH NAME\ngateway.toml \\- configuration of a Lumbung gateway",
        ".SH DESCRIPTION\nThis is the file as it is shipped; its comments explain every key.",
    ]
    chapter: List[str] = []

    def close() -> None:
        body = "\n".join(chapter).strip("\n")
        if body:
            parts.append(".PP\n.nf\n" + escape(body) + "\n.fi")
        chapter.clear()

    for line in lines:
        heading = re.fullmatch(r"# -{4,} (.+?) -{4,}", line)
        if heading:
            close()
            parts.append(f".SH {escape(heading.group(1)).upper()}")
        else:
            chapter.append(line)
    close()
    parts.append(".SH SEE ALSO\n\\fBlumbung\\fR(1), \\fBlumbung\\-check\\fR(1)")
    with open(os.path.join(out, "gateway.toml.5"), "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--epoch", type=int, required=True, help="the date on the pages, in seconds since 1970")
    parser.add_argument("--configuration", metavar="FILE", help="the shipped gateway.toml")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    options = parser.parse_args()
    date = time.strftime("%Y-%m-%d", time.gmtime(options.epoch))
    # Names of commands are not broken at their hyphens.
    title = f'.TH "{{name}}" "{{section}}" "{date}" "Lumbung {escape(options.version)}" "Lumbung"\n.nh\n.ad l'
    os.makedirs(options.out, exist_ok=True)
    for program in options.programs:
        write_program(program, options.out, title)
    if options.configuration:
        write_configuration(options.configuration, options.out, title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
