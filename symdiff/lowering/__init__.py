"""From expressions to programs: a flat list of checked instructions, passes over it, and backends that write it out as source."""

from symdiff.lowering.lowered import Lowered as Lowered
from symdiff.lowering.lowered import lower as lower
