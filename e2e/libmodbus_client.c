/* A client of libmodbus: unit 1, holding registers, no retries; prints what each read brought, null for an error.
   Usage: client default|recovery PATH TIMEOUT_MS COUNT START... | client version */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(const uint16_t *registers, int count)
{
    for (int n = 0; n < count; n++)
        printf("%s%u", n ? ", " : "[", registers[n]);
    fputs(count > 0 ? "]" : "null", stdout);
}

int main(int count, char **arguments)
{
    if (count == 2) {
        puts(LIBMODBUS_VERSION_STRING);
        return 0;
    }
    if (count < 6)
        return 2;
    modbus_t *context = modbus_new_rtu(arguments[2], 9600, 'N', 8, 1);
    int timeout = atoi(arguments[3]), quantity = atoi(arguments[4]);
    modbus_set_slave(context, 1);
    modbus_set_response_timeout(context, timeout / 1000, timeout % 1000 * 1000);
    if (strcmp(arguments[1], "recovery") == 0)
        modbus_set_error_recovery(context, MODBUS_ERROR_RECOVERY_LINK | MODBUS_ERROR_RECOVERY_PROTOCOL);
    if (quantity > MODBUS_MAX_READ_REGISTERS || modbus_connect(context) != 0)
        return 1;
    for (int n = 5; n < count; n++) {
        uint16_t registers[MODBUS_MAX_READ_REGISTERS];
        fputs(n > 5 ? ", " : "[", stdout);
        print(registers, modbus_read_registers(context, atoi(arguments[n]), quantity, registers));
    }
    puts("]");
    modbus_close(context);
    modbus_free(context);
    return 0;
}
