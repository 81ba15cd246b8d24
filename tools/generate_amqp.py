#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/amqp/methods.gen.h: every AMQP method as a struct.

Reads the 0-9-1 XML with RabbitMQ's additions from Debian's package amqp-specs, and our
src/amqp/spec/supplement.xml for what that XML lacks. The result is checked in, so that a build
needs neither Python nor the XML; `--check` tells whether it is what this program would write.
"""

import argparse
import difflib
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = Path("/usr/share/amqp/specs/0-9-1-rabbit/amqp0-9-1.stripped.extended.xml")
SUPPLEMENT = ROOT / "src/amqp/spec/supplement.xml"
OUTPUT = ROOT / "src/amqp/methods.gen.h"
EXIT_NO_SPEC = 2


@dataclass(frozen=True)
class WireType:
    """How a type of the spec looks in C++ and on the wire."""

    cxx: str
    initial: str  # Also what a reserved field is encoded as.
    call: str  # The name of the method of WireReader and of WireWriter.
    bytes_fixed: int  # Bytes that do not depend on the value: the value or its length prefix.
    has_tail: bool = False  # Whether size() more bytes follow.


WIRE_TYPES = {
    "octet": WireType("std::uint8_t", "0", "u8", 1),
    "short": WireType("std::uint16_t", "0", "u16", 2),
    "long": WireType("std::uint32_t", "0", "u32", 4),
    "longlong": WireType("std::uint64_t", "0", "u64", 8),
    "timestamp": WireType("std::uint64_t", "0", "u64", 8),
    "shortstr": WireType("std::string_view", "{}", "short_string", 1, has_tail=True),
    "longstr": WireType("std::string_view", "{}", "long_string", 4, has_tail=True),
    "table": WireType("RawTable", "{}", "raw_table", 4, has_tail=True),
}


@dataclass(frozen=True)
class Field:
    name: str
    type: str  # A key of WIRE_TYPES, or "bit".
    is_reserved: bool

    @property
    def member(self) -> str:
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Method:
    class_name: str
    class_id: int
    name: str
    method_id: int
    has_content: bool
    fields: tuple[Field, ...]

    @property
    def spec_name(self) -> str:
        return f"{self.class_name}.{self.name}"

    @property
    def struct_name(self) -> str:
        words = [self.class_name, *self.name.split("-")]
        return "".join(word.capitalize() for word in words)


@dataclass
class Spec:
    domains: dict[str, str] = field(default_factory=dict)
    class_ids: dict[str, int] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)

    def read(self, path: Path) -> None:
        root = ElementTree.parse(path).getroot()
        for domain in root.iter("domain"):
            self.domains[domain.get("name")] = domain.get("type")
        for amqp_class in root.iter("class"):
            self.class_ids[amqp_class.get("name")] = int(amqp_class.get("index"))
            for method in amqp_class.iter("method"):
                self.methods.append(self._method(amqp_class, method))

    def _method(self, amqp_class: ElementTree.Element, method: ElementTree.Element) -> Method:
        return Method(
            class_name=amqp_class.get("name"),
            class_id=int(amqp_class.get("index")),
            name=method.get("name"),
            method_id=int(method.get("index")),
            has_content=method.get("content") == "1",
            fields=tuple(self._field(element) for element in method.findall("field")),
        )

    def _field(self, element: ElementTree.Element) -> Field:
        wire_type = element.get("type") or self.domains[element.get("domain")]
        if wire_type != "bit" and wire_type not in WIRE_TYPES:
            sys.exit(f"field '{element.get('name')}' has type '{wire_type}', unknown to me")
        return Field(element.get("name"), wire_type, element.get("reserved") == "1")


def parts_of(fields: tuple[Field, ...]) -> list[list[Field]]:
    """Fields as they share octets: up to eight bits in a row are one part, others stand alone."""
    parts: list[list[Field]] = []
    for each in fields:
        previous = parts[-1] if parts else None
        if each.type == "bit" and previous and previous[0].type == "bit" and len(previous) < 8:
            previous.append(each)
        else:
            parts.append([each])
    return parts


def octet_name(parts: list[list[Field]], part: list[Field]) -> str:
    """What the octet that `part` shares is called: with a number where there are several."""
    octets = [each for each in parts if each[0].type == "bit"]
    return "bits" if len(octets) == 1 else f"bits_{octets.index(part)}"


def decode_lines(parts: list[list[Field]]) -> list[str]:
    lines = []
    for part in parts:
        first = part[0]
        if first.type != "bit":
            call = f"reader.{WIRE_TYPES[first.type].call}()"
            lines.append(f"{call};" if first.is_reserved else f"{first.member} = {call};")
        elif all(bit.is_reserved for bit in part):
            lines.append("reader.u8();")
        else:
            octet = octet_name(parts, part)
            lines.append(f"const std::uint8_t {octet} = reader.u8();")
            for place, bit in enumerate(part):
                if not bit.is_reserved:
                    lines.append(f"{bit.member} = ({octet} & {1 << place}) != 0;")
    return lines


def encode_lines(parts: list[list[Field]]) -> list[str]:
    lines = []
    for part in parts:
        first = part[0]
        if first.type != "bit":
            wire_type = WIRE_TYPES[first.type]
            value = wire_type.initial if first.is_reserved else first.member
            lines.append(f"writer.{wire_type.call}({value});")
            continue
        bits = [(place, bit.member) for place, bit in enumerate(part) if not bit.is_reserved]
        terms = [f"{name} << {place}" if place else name for place, name in bits]
        if not terms:
            lines.append("writer.u8(0);")
        elif len(terms) == 1:
            lines.append(f"writer.u8({terms[0]} ? 1 : 0);")
        else:
            octet = octet_name(parts, part)
            lines.append(f"const int {octet} = {' | '.join(terms)};")
            lines.append(f"writer.u8(static_cast<std::uint8_t>({octet}));")
    return lines


def size_expression(parts: list[list[Field]]) -> str:
    fixed = 0
    tails = []
    for part in parts:
        first = part[0]
        if first.type == "bit":
            fixed += 1
            continue
        wire_type = WIRE_TYPES[first.type]
        fixed += wire_type.bytes_fixed
        if wire_type.has_tail and not first.is_reserved:
            tails.append(f"{first.member}.size()")
    return " + ".join([str(fixed), *tails])


def struct_lines(method: Method) -> list[str]:
    parts = parts_of(method.fields)
    shown = [each for each in method.fields if not each.is_reserved]
    name = method.struct_name
    reader = "WireReader& reader"
    writer = "[[maybe_unused]] WireWriter& writer" if not parts else "WireWriter& writer"
    lines = [
        f"struct {name} {{",
        f"  static constexpr MethodKey key = method_key({method.class_id}, {method.method_id});",
        f'  static constexpr std::string_view name = "{method.spec_name}";',
        f"  static constexpr bool has_content = {str(method.has_content).lower()};",
        "",
    ]
    for each in shown:
        if each.type == "bit":
            lines.append(f"  bool {each.member} = false;")
            continue
        wire_type = WIRE_TYPES[each.type]
        value = "" if wire_type.initial == "{}" else f" = {wire_type.initial}"
        lines.append(f"  {wire_type.cxx} {each.member}{value or '{}'};")
    if shown:
        lines.append("")
    lines.append(f"  [[nodiscard]] bool decode({reader}) {{")
    lines += [f"    {line}" for line in decode_lines(parts)]
    lines += [
        "    return reader.is_finished();",
        "  }",
        f"  void encode({writer}) const {{",
        *[f"    {line}" for line in encode_lines(parts)],
        "  }",
        "  [[nodiscard]] std::size_t encoded_size() const {",
        f"    return {size_expression(parts)};",
        "  }",
        f"  friend bool operator==(const {name}&, const {name}&) = default;",
        "};",
        "",
    ]
    return lines


HEAD = """\
// SPDX-License-Identifier: Apache-2.0
//
// Every method of AMQP 0-9-1 and of RabbitMQ's additions, as a struct: the fields by their names in
// the spec and in its order, reserved ones left out (skipped when decoding, zero when encoding).
// Written by tools/generate_amqp.py from the 0-9-1-rabbit XML of amqp-specs and
// spec/supplement.xml; change those, then run it.
//
// decode() reads the arguments that follow class and method id. True: all were there and nothing
// was left over. Strings and tables are views into what the reader was given; tables are not looked
// into (see RawTable::is_well_formed()). encode() writes encoded_size() bytes.
//
// Requires: short strings of at most 255 bytes where encode() is called.
// Thread: values.

#pragma once

#include "amqp/method_key.h"
#include "amqp/raw_table.h"
#include "amqp/wire_reader.h"
#include "amqp/wire_writer.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leveret::amqp {
"""


def generate(spec: Spec) -> str:
    methods = sorted(spec.methods, key=lambda method: (method.class_id, method.method_id))
    keys = [(method.class_id, method.method_id) for method in methods]
    if len(set(keys)) != len(keys):
        sys.exit("two methods have the same class and method id")
    classes = sorted(spec.class_ids.items(), key=lambda item: item[1])

    lines = [HEAD]
    for name, class_id in classes:
        lines.append(f"inline constexpr std::uint16_t {name}_class_id = {class_id};")
    lines.append("")
    for method in methods:
        lines += struct_lines(method)

    lines += [
        "/// \"queue.declare\"; empty for a key that names no method.",
        "[[nodiscard]] constexpr std::string_view method_name(MethodKey key) {",
        "  switch (key) {",
    ]
    for method in methods:
        name = method.struct_name
        lines += [f"    case {name}::key:", f"      return {name}::name;"]
    lines += [
        "    default:",
        "      return {};",
        "  }",
        "}",
        "",
        "[[nodiscard]] constexpr bool is_known_method(MethodKey key) {",
        "  return !method_name(key).empty();",
        "}",
        "",
        "[[nodiscard]] constexpr bool is_known_class(std::uint16_t class_id) {",
        "  switch (class_id) {",
        *[f"    case {name}_class_id:" for name, _ in classes],
        "      return true;",
        "    default:",
        "      return false;",
        "  }",
        "}",
        "",
        "/// Calls visit.template operator()<Method>() for every method there is.",
        "template <class Visit>",
        "void for_each_method(Visit&& visit) {",
        *[f"  visit.template operator()<{method.struct_name}>();" for method in methods],
        "}",
        "",
        "}  // namespace leveret::amqp",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit 1 and show the difference if there is one")
    parser.add_argument("--spec", type=Path, default=SPEC, help="the 0-9-1 XML (%(default)s)")
    arguments = parser.parse_args()

    if not arguments.spec.is_file():
        print(f"{arguments.spec} is not there; it comes with Debian's package amqp-specs:\n"
              "    apt-get install amqp-specs", file=sys.stderr)
        return EXIT_NO_SPEC
    spec = Spec()
    spec.read(arguments.spec)
    spec.read(SUPPLEMENT)
    wanted = generate(spec)

    shown = OUTPUT.relative_to(ROOT)
    if not arguments.check:
        OUTPUT.write_text(wanted)
        print(f"{shown}: {len(spec.methods)} methods")
        return 0
    present = OUTPUT.read_text() if OUTPUT.is_file() else ""
    if present == wanted:
        return 0
    sys.stdout.writelines(difflib.unified_diff(
        present.splitlines(keepends=True), wanted.splitlines(keepends=True),
        fromfile=str(shown), tofile="generated"))
    print(f"{shown} is not what its sources say; run tools/generate_amqp.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
