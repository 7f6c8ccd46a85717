// For LD_PRELOAD: libusb's device lists are never freed. Debian 12's libirecovery goes on walking
// one that it has freed, so that irecovery and idevicerestore crash beside other phones, on any
// machine; with this they can be asked all the same.

extern "C" void libusb_free_device_list(void** /*list*/, int /*unref*/) {}
