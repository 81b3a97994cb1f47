"""Every setting, declared once: name, type, default, unit, bounds, kind and a line of help.

One dataclass per group of `conf/`; packages take these dataclasses as they are. Beside them stand the facts of each
variant (`FORMATS`, `TASK_KINDS`, `METRICS`, `DEVICES`, ...), the only lists of variants. Entry: `setting.py`.
"""
