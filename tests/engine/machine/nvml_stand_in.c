/* What nvidia-ml-py calls of NVML, over GPUs that a control file describes.

   The file named by NVML_STAND_IN is read at every call, so that a test can change it meanwhile.
   A line of it is `KEY GPU VALUE`, all but KEY numbers; the last that fits counts, and GPU -1
   stands for all. KEY is a value below (`count`, `utilization`, `mig` ...), or the name of a
   function, whose VALUE it then returns as its error, or `lost`, whose VALUE all return. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { GPUS = 16 };

typedef unsigned long long u64;
typedef struct { u64 total, free, used; } Memory;
typedef struct { unsigned version; u64 total, reserved, free, used; } Memory2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; } Process;
typedef struct {
    char legacy_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
} Pci;

/* A handle is a pointer to one of these; those of the second row are MIG devices. */
static char handles[2 * GPUS];

static long long number(const char *key, int gpu, long long otherwise)
{
    const char *path = getenv("NVML_STAND_IN");
    FILE *file = path ? fopen(path, "r") : NULL;
    char found[80];
    int of;
    long long value;
    while (file && fscanf(file, "%79s %d %lld", found, &of, &value) == 3)
        if (strcmp(found, key) == 0 && (of == gpu || of == -1))
            otherwise = value;
    if (file)
        fclose(file);
    return otherwise;
}

static int gpu_of(void *handle) { return (int)((char *)handle - handles) % GPUS; }

static int refusal(const char *function, int gpu)
{
    int lost = (int)number("lost", gpu, SUCCESS);
    return lost ? lost : (int)number(function, gpu, SUCCESS);
}

/* Returns from the function that uses it where the control file says so. */
#define ANSWERS(gpu)                                  \
    do {                                              \
        int error = refusal(__func__, gpu);           \
        if (error)                                    \
            return error;                             \
    } while (0)

#define READS_NUMBER(function, key, otherwise)                          \
    int function(void *handle, unsigned *value)                         \
    {                                                                   \
        ANSWERS(gpu_of(handle));                                        \
        *value = (unsigned)number(key, gpu_of(handle), otherwise);      \
        return SUCCESS;                                                 \
    }

READS_NUMBER(nvmlDeviceGetPowerUsage, "milliwatts", 350000)
READS_NUMBER(nvmlDeviceGetEnforcedPowerLimit, "milliwatts_limit", 700000)

int nvmlInitWithFlags(unsigned flags) { (void)flags; ANSWERS(-2); return SUCCESS; }
int nvmlInit_v2(void) { ANSWERS(-2); return SUCCESS; }
int nvmlShutdown(void) { ANSWERS(-2); return SUCCESS; }

const char *nvmlErrorString(int error) { return error == 4 ? "No permission" : "Refused"; }

int nvmlDeviceGetCount_v2(unsigned *count)
{
    ANSWERS(-2);
    *count = (unsigned)number("count", -2, 1);
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle)
{
    ANSWERS((int)index);
    *handle = handles + index;
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle)
{
    unsigned gpu;
    if (sscanf(uuid, "MIG-%u", &gpu) != 1 || gpu >= GPUS)
        return NOT_FOUND;
    ANSWERS((int)gpu);
    *handle = handles + GPUS + gpu;
    return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *instance, void **handle)
{
    ANSWERS(gpu_of(instance));
    *handle = handles + gpu_of(instance);
    return SUCCESS;
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length)
{
    ANSWERS(gpu_of(handle));
    snprintf(name, length, "Stand-in %d", gpu_of(handle));
    return SUCCESS;
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned length)
{
    ANSWERS(gpu_of(handle));
    snprintf(uuid, length, "GPU-%d0000000-0000", gpu_of(handle));
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(void *handle, Pci *pci)
{
    int gpu = gpu_of(handle);
    ANSWERS(gpu);
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned)number("bus", gpu, 1 + gpu);
    return SUCCESS;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *now, unsigned *later)
{
    int gpu = gpu_of(handle);
    ANSWERS(gpu);
    long long mode = number("mig", gpu, -1); /* 0: off; -1: a GPU that cannot be split */
    if (mode < 0)
        return NOT_SUPPORTED;
    *now = *later = (unsigned)mode;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *handle, Utilization *rates)
{
    int gpu = gpu_of(handle);
    ANSWERS(gpu);
    rates->gpu = (unsigned)number("utilization", gpu, 40 + gpu);
    rates->memory = 5;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory)
{
    ANSWERS(gpu_of(handle));
    memory->total = 8ULL << 30;
    memory->used = 2ULL << 30; /* what the driver keeps is in it */
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *memory)
{
    ANSWERS(gpu_of(handle));
    memory->total = 8ULL << 30;
    memory->reserved = memory->used = 1ULL << 30;
    memory->free = memory->total - memory->reserved - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *celsius)
{
    ANSWERS(gpu_of(handle));
    *celsius = sensor == 0 ? (unsigned)number("celsius", gpu_of(handle), 61) : 0;
    return SUCCESS;
}

static int clocks(const char *function, void *handle, u64 *reasons)
{
    int error = refusal(function, gpu_of(handle));
    *reasons = (u64)number("clocks", gpu_of(handle), 0);
    return error;
}

int nvmlDeviceGetCurrentClocksEventReasons(void *handle, u64 *reasons)
{
    return clocks(__func__, handle, reasons);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, u64 *reasons)
{
    return clocks(__func__, handle, reasons);
}

static int processes(const char *function, void *handle, unsigned *count, Process *list)
{
    int error = refusal(function, gpu_of(handle));
    unsigned room = *count;
    if (error)
        return error;
    *count = (unsigned)number("processes", gpu_of(handle), 2);
    if (*count > room || (*count && !list))
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < *count; i++)
        list[i] = (Process){.pid = 100 + i, .used = 1 << 20};
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, Process *list)
{
    return processes(__func__, handle, count, list);
}

int nvmlDeviceGetComputeRunningProcesses_v2(void *handle, unsigned *count, Process *list)
{
    return processes(__func__, handle, count, list);
}
