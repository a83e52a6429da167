/* What `instructions` does, with libmodbus over a pair of sockets: only its user space is counted. A frame is laid into
   the socket before a call and taken out after it, neither of which is measured. Usage: libmodbus NAME CALLS */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UNIT = 17, QUANTITY = 125 };

static uint8_t request[8], reply[5 + 2 * QUANTITY];

static void seal(uint8_t *frame, int length)
{
    unsigned crc = 0xFFFF;
    for (int index = 0; index < length; index++) {
        crc ^= frame[index];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    frame[length] = crc & 0xFF;
    frame[length + 1] = crc >> 8;
}

__attribute__((noinline)) int call_libmodbus(modbus_t *context, uint16_t *values)
{
    int sum = 0;
    if (modbus_read_registers(context, 0, QUANTITY, values) != QUANTITY)
        return -1;
    for (int index = 0; index < QUANTITY; index++)
        sum += values[index];
    return sum;
}

__attribute__((noinline)) int serve_libmodbus(modbus_t *context, modbus_mapping_t *map)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    int length = modbus_receive(context, query);
    return length < 0 ? length : modbus_reply(context, query, length, map);
}

/* Lays `in` into the socket, has the work done, and says whether its result and what came out are right. */
static int is_right(int server, modbus_t *context, modbus_mapping_t *map, int other)
{
    const uint8_t *in = server ? request : reply, *out = server ? reply : request;
    int in_length = server ? sizeof request : sizeof reply, out_length = server ? sizeof reply : sizeof request;
    uint16_t values[QUANTITY];
    uint8_t heard[256];
    if (write(other, in, in_length) != in_length)
        return 0;
    int result = server ? serve_libmodbus(context, map) : call_libmodbus(context, values);
    return result == (server ? out_length : QUANTITY * (QUANTITY - 1) / 2) && read(other, heard, sizeof heard) == out_length
        && memcmp(heard, out, out_length) == 0;
}

int main(int count, char **arguments)
{
    int sockets[2];
    if (count != 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return 2;
    memcpy(request, (uint8_t[]){UNIT, 3, 0, 0, 0, QUANTITY}, 6);
    memcpy(reply, (uint8_t[]){UNIT, 3, 2 * QUANTITY}, 3);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, QUANTITY, 0);
    for (int index = 0; index < QUANTITY; index++)
        reply[4 + 2 * index] = map->tab_registers[index] = index;
    seal(request, sizeof request - 2);
    seal(reply, sizeof reply - 2);
    modbus_t *context = modbus_new_rtu("no port is opened", 9600, 'N', 8, 1);
    modbus_set_slave(context, UNIT);
    modbus_set_socket(context, sockets[0]);
    for (int calls = atoi(arguments[2]); calls > 0; calls--) {
        if (!is_right(strcmp(arguments[1], "serve_libmodbus") == 0, context, map, sockets[1])) {
            fprintf(stderr, "%s: %s\n", arguments[1], modbus_strerror(errno));
            return 1;
        }
    }
    return 0;
}
