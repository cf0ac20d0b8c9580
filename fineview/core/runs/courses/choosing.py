"""Which course a spec takes."""

from fineview.core.runs.courses.classical import ClassicalCourse
from fineview.core.runs.courses.course import Course, Setting
from fineview.core.runs.courses.frozen import FrozenCourse
from fineview.core.runs.courses.shallow import ShallowCourse
from fineview.core.runs.courses.tuned import TunedCourse


def course_for(setting: Setting) -> Course:
    """Return the course of a setting that `check_spec` has passed."""
    if setting.spec.strategy.trains_encoder:
        return TunedCourse(setting)
    if not setting.spec.head.by_gradient:
        return ShallowCourse(setting)
    if setting.spec.strategy.kind == "classical":
        return ClassicalCourse(setting)
    return FrozenCourse(setting)
