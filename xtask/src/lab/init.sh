#!/bin/sh
# Process 1 of the guest: the host's files, read-only, under a layer in memory; then what is to run.
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
share() { mount -t 9p -o "ro,trans=virtio,version=9p2000.L,msize=512000,cache=$3" "$1" "$2"; }
share root /lower loose || { echo "LAB boot FAILED the host's files cannot be mounted"; poweroff -f; }
mount -t tmpfs -o size=900m over /over; mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/lower,upperdir=/over/upper,workdir=/over/work new /new
mkdir -p /new/usr/lib/modules /new/mnt/lab /new/run /new/var/log/journal
share modules /new/usr/lib/modules loose; share lab /new/mnt/lab none
mount -t tmpfs run /new/run; mkdir -p /new/run/systemd/system
cp /units/* /new/run/systemd/system/
# systemd empties these while it starts, which takes minutes where the host's are full.
mount -t tmpfs -o mode=1777 tmp /new/tmp; mount -t tmpfs -o mode=1777 tmp /new/var/tmp
# What the host has enabled is none of the guest's business, and a box without an id would ask for one.
echo "ostiary-lab" >/new/etc/hostname
[ -s /new/etc/machine-id ] || echo 0123456789abcdef0123456789abcdef >/new/etc/machine-id
: >/new/etc/fstab
# Where the host is a container itself, these would make systemd believe the same of the guest, and not read the command
# line of its kernel.
rm -f /new/.dockerenv /new/run/.containerenv /new/run/systemd/container
INIT=$(cat /new/mnt/lab/init); STATUS=0
if grep -q lab.verbose /proc/cmdline; then STATUS=1; fi
mount --move /proc /new/proc; mount --move /sys /new/sys; mount --move /dev /new/dev
if [ "$INIT" = systemd ]; then
    # With `lab.verbose` on the kernel's line it tells what it starts.
    exec switch_root /new /lib/systemd/systemd --unit=ostiary-lab.target --show-status=$STATUS --log-level=warning
fi
exec switch_root /new /bin/bash -c 'mkdir -p /dev/shm /dev/pts; mount -t tmpfs s /dev/shm; mount -t tmpfs t /tmp
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root; ip link set lo up
    bash /mnt/lab/script </dev/null; echo LAB-END; sleep 1; poweroff -f'
