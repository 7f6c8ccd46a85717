#include "tests/rack/restore/restored.h"
namespace rack {
void ServeRestoreMode(Phone&, Attachment&) {}
}
