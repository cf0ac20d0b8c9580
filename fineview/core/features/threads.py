"""How many threads numpy's linear algebra takes."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Compute products and eigenvectors with one thread inside.

    On few cores the threads of a product wait for each other, which takes many times as long and
    keeps the window from painting. The bits of a result also depend on their number.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
