// SPDX-License-Identifier: GPL-2.0
//
// The PCI host bridge of QEMU's virt machine, as one whose boot configuration the
// OS has to preserve: function 5 of _DSM returns 0. Without that the kernel takes
// no device for the one that a reserved memory range (RMR) of the IORT names, as
// it could have given it another bus number since. QEMU 10.0 has no such bridge.
//
// So this SSDT, in front of the initramfs, hides the bridge of the DSDT and is one
// in its place, with the same resources.

DefinitionBlock ("", "SSDT", 2, "RESV", "PRESERVE", 1)
{
    External (\_SB.PCI0, DeviceObj)
    External (\_SB.PCI0._CRS, UnknownObj)
    External (\_SB.PCI0._PRT, UnknownObj)
    External (\_SB.PCI0._OSC, MethodObj)

    Scope (\_SB.PCI0)
    {
        Name (_STA, Zero)   // not present
    }

    Device (\_SB.PCI1)
    {
        Name (_HID, EisaId ("PNP0A08"))
        Name (_CID, EisaId ("PNP0A03"))
        Name (_UID, "PRESERVE")
        Name (_SEG, Zero)
        Name (_BBN, Zero)
        Name (_CCA, One)

        Method (_CRS, 0, Serialized)
        {
            Return (\_SB.PCI0._CRS)
        }

        Method (_PRT, 0, Serialized)
        {
            Return (\_SB.PCI0._PRT)
        }

        Method (_OSC, 4, Serialized)
        {
            Return (\_SB.PCI0._OSC (Arg0, Arg1, Arg2, Arg3))
        }

        Method (_DSM, 4, Serialized)
        {
            If (LEqual (Arg0, ToUUID ("e5c937d0-3553-4d7a-9117-ea4d19c3434d")))
            {
                If (LEqual (Arg2, Zero))
                {
                    Return (Buffer () { 0x21 })   // functions 0 and 5
                }
                If (LEqual (Arg2, 5))
                {
                    Return (Zero)
                }
            }
            Return (Buffer () { 0x00 })
        }
    }
}
