#pragma once

/// Says what is counted, where a program runs under callgrind; nothing anywhere else.

/// From here on instructions are counted; before, they are only run.
void lumbung_callgrind_start(void);
/// Back to running.
void lumbung_callgrind_stop(void);
/// What was counted is written down under this name, and counting begins at zero.
void lumbung_callgrind_dump(const char *name);
