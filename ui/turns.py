"""A few pages are drawn at a time, the others wait their turn."""

import os
from threading import BoundedSemaphore

# Where a whole class moves beta at the same instant, two hundred scripts would take the interpreter from each other at every
# step: that costs a quarter more of the processor, and the first answer comes as late as the last. One more than there are
# processors, so that none idles while a page waits for something.
turn = BoundedSemaphore((os.cpu_count() or 1) + 1)
