/* A server of libmodbus: register n = n + 1, coil n = n is even, 100 of each. Usage: server tcp PORT | rtu PATH */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    int is_tcp = strcmp(arguments[1], "tcp") == 0;
    modbus_t *context = is_tcp ? modbus_new_tcp("127.0.0.1", atoi(arguments[2]))
                               : modbus_new_rtu(arguments[2], 9600, 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(100, 100, 100, 100);
    for (int n = 0; n < 100; n++) {
        map->tab_registers[n] = map->tab_input_registers[n] = n + 1;
        map->tab_bits[n] = map->tab_input_bits[n] = n % 2 == 0;
    }
    modbus_set_slave(context, 1);
    int listener = is_tcp ? modbus_tcp_listen(context, 4) : -1;
    if (!is_tcp && modbus_connect(context) != 0)
        return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        if (is_tcp)
            modbus_tcp_accept(context, &listener);
        for (;;) {
            uint8_t query[260];
            int length = modbus_receive(context, query);
            if (length > 0)
                modbus_reply(context, query, length, map);
            else if (length == -1 && is_tcp)
                break;
        }
        modbus_close(context);
    }
}
