/** Insides of machines that are kernels, for those of a lab that are to be. */
import { milliseconds } from '../base/time.ts';
import { AddressKeeper } from '../device/address-keeper.ts';
import { Guards } from '../device/guards.ts';
import { simulatedWorks, type Works } from '../device/works.ts';
import { IpStack } from '../stack/ip-stack.ts';
import { showIpv4 } from '../wire/address.ts';
import { ProgramLeaseClient } from './dhcp-client.ts';
import { ProgramDhcpService } from './dhcp-server.ts';
import type { Ground } from './ground.ts';
import { KernelProbes } from './kernel-probes.ts';
import { KernelRelay } from './kernel-relay.ts';
import { KernelStack } from './kernel-stack.ts';
import { KernelSwitch } from './kernel-switch.ts';
import { KernelTunnel } from './kernel-tunnel.ts';
import { tool } from './tools.ts';

/** A daemon of ours is as near to a cable as no process of a machine is: it waits until kernels have had their say. */
const answersAfter = milliseconds(50);

const ipAndTcpHeader = 40;

/**
 * @param isKernel Which machines are kernels; the others are ours, as in the simulation.
 * @param bridges  Which switches are, with the VLAN that all of their ports are in.
 */
export function kernelWorks(
  ground: Ground,
  isKernel: (name: string) => boolean,
  bridges: ReadonlyMap<string, number>,
): Works {
  return {
    answersAfter,
    switch(name) {
      const vlan = bridges.get(name);
      return vlan === undefined
        ? simulatedWorks.switch(name)
        : new KernelSwitch(name, vlan, ground);
    },
    stack: (name, options) =>
      isKernel(name) ? new KernelStack(name, options, ground) : new IpStack(name, options),
    probes: (stack, tcp) =>
      stack instanceof KernelStack
        ? new KernelProbes(stack, tcp)
        : simulatedWorks.probes(stack, tcp),
    keeper(stack, on, plan) {
      // Static addresses are kept by a daemon of ours, as there are on many systems; leases by a program.
      if (!(stack instanceof KernelStack) || plan.kind === 'static')
        return simulatedWorks.keeper(stack, on, plan);
      const client = new ProgramLeaseClient(stack, on);
      client.keeper = new AddressKeeper(stack, on, plan, client);
      return client.keeper;
    },
    serve(stack, tcp, ports, now) {
      if (!(stack instanceof KernelStack)) simulatedWorks.serve(stack, tcp, ports, now);
      else for (const port of ports) stack.agent.ask({ ask: 'serve', ...port });
    },
    dhcpServer: (stack, on, config) =>
      stack instanceof KernelStack
        ? new ProgramDhcpService(stack, on, config)
        : simulatedWorks.dhcpServer(stack, on, config),
    dhcpRelay(stack, on, to) {
      if (!(stack instanceof KernelStack)) {
        simulatedWorks.dhcpRelay(stack, on, to);
        return;
      }
      const { space } = stack;
      space.afterwards(async () => {
        const relay = `--dhcp-relay=${showIpv4(on.ip)},${showIpv4(to)}`;
        const words = ['--no-daemon', '--conf-file=/dev/null', '--port=0', relay];
        space.start(tool('dnsmasq'), words, { stdio: 'ignore' });
      });
    },
    tunnel: (options, now) =>
      options.stack instanceof KernelStack
        ? new KernelTunnel(options, options.stack)
        : simulatedWorks.tunnel(options, now),
    clampMss(stack, inner) {
      if (!(stack instanceof KernelStack)) {
        simulatedWorks.clampMss(stack, inner);
        return;
      }
      const device = stack.deviceOf(inner);
      // Towards the tunnel the way says how much fits; what comes out of it goes by a wider one.
      const most = inner.mtu - ipAndTcpHeader;
      const clamp = `tcp flags & syn == syn tcp option maxseg size > ${most} tcp option maxseg size set ${most}`;
      stack.filter(
        'ip',
        `${device}mss`,
        `  chain forward {
    type filter hook forward priority mangle
    oifname "${device}" ${clamp}
    iifname "${device}" ${clamp}
  }`,
      );
    },
    hideMtu(stack) {
      if (!(stack instanceof KernelStack)) simulatedWorks.hideMtu(stack);
      else
        stack.filter(
          'ip',
          'mtu',
          `  chain output {
    type filter hook output priority 0
    icmp type destination-unreachable icmp code frag-needed drop
  }`,
        );
    },
    relay: (stack, firstPort) =>
      stack instanceof KernelStack
        ? new KernelRelay(stack)
        : simulatedWorks.relay(stack, firstPort),
    guardSite(stack, outside, firewall, random) {
      if (!(stack instanceof KernelStack)) {
        simulatedWorks.guardSite(stack, outside, firewall, random);
        return;
      }
      stack.guard = new Guards(firewall);
      const { space } = stack;
      const rules = `table ip nat {
  chain out {
    type nat hook postrouting priority 100
    oifname "${stack.deviceOf(outside)}" masquerade
  }
}
`;
      space.afterwards(async () => {
        await space.run(tool('nft'), ['-f', '-'], rules);
      });
    },
  };
}
