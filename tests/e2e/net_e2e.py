"""Networks of their own for the end-to-end tests: the registry in one, and peers
in others that reach the registry and nobody else until they are joined.  They
end with the processes that hold them, and the machine's own is not touched."""

import atexit
import os
import shutil
import subprocess

from conclave_e2e import Skip, eventually

REGISTRY = "10.77.0.1"


class Net:
    """A network namespace; `inside` goes before a command that is to run in it."""

    def __init__(self, outer=None):
        for tool in ("unshare", "nsenter", "ip", "ss"):
            if shutil.which(tool) is None:
                raise Skip("there is no " + tool)
        words = list(outer.inside) if outer else []
        words += ["unshare", "-n"] if outer or os.geteuid() == 0 else ["unshare", "-rn"]
        self.holder = subprocess.Popen(words + ["sh", "-c", "echo there; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.end)
        if self.holder.stdout.readline() != "there\n":
            raise Skip("no right to make a network namespace")
        self.inside = ["nsenter", "-t", str(self.holder.pid), "-n"]
        if os.geteuid() != 0:
            self.inside[3:3] = ["-U", "--preserve-credentials"]
        self.ip("link", "set", "lo", "up")

    def run(self, *words):
        done = subprocess.run(self.inside + list(words), capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip("%s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout

    def ip(self, *words):
        return self.run("ip", *words)

    def connections(self, port):
        """TCP connections, also those only begun, with this port at either end."""
        return [line for line in self.run("ss", "-Htan").splitlines()
                if "LISTEN" not in line and any(word.endswith(":%d" % port) for word in line.split())]

    def listening(self):
        """TCP sockets that wait for connections."""
        return self.run("ss", "-Htln").splitlines()

    def accepted(self):
        """TCP connections that ever came in from somewhere, as the system counts them."""
        names, numbers = [line.split()[1:] for line in self.run("cat", "/proc/net/snmp").splitlines()
                          if line.startswith("Tcp:")]
        return int(dict(zip(names, numbers))["PassiveOpens"])

    def end(self):
        if self.holder.poll() is None:
            self.holder.stdin.close()
            self.holder.wait()
            self.holder.stdout.close()


def _wire(one, address, other, address_there, name):
    """A cable between two, with an address at either end."""
    there = name + "p"
    one.ip("link", "add", name, "type", "veth", "peer", "name", there, "netns", str(other.holder.pid))
    for net, device, at in ((one, name, address), (other, there, address_there)):
        net.ip("addr", "add", at + "/30", "dev", device)
        net.ip("link", "set", device, "up")


class Parted:
    """A registry's network and `count` others around it: peer i has the address
    10.77.(i+1).2 and reaches REGISTRY alone."""

    def __init__(self, count):
        self.registry = Net()
        self.registry.ip("addr", "add", REGISTRY + "/32", "dev", "lo")
        self.peers = []
        for i in range(count):
            net = Net(self.registry)
            net.address = "10.77.%d.2" % (i + 1)
            gate = "10.77.%d.1" % (i + 1)
            _wire(self.registry, gate, net, net.address, "peer%d" % i)
            net.ip("route", "add", REGISTRY, "via", gate)
            self.peers.append(net)

    def join(self):
        """From now on all reach one another."""
        self.registry.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for net in self.peers:
            net.ip("route", "add", "default", "via", net.address[:-1] + "1")
        for net in self.peers:
            eventually("a way to " + net.address, lambda: subprocess.run(
                self.peers[0].inside + ["ip", "route", "get", net.address], capture_output=True).returncode == 0)

    def end(self):
        for net in self.peers + [self.registry]:
            net.end()
