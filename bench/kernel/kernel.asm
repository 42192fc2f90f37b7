; The kernel that every peer runs: page tables, then the same loop over pages in fixed phases, each begun by a byte on
; port 0xE9, which the bench time-stamps by the emulator's own CPU time.
;
;   nasm -f bin -D PAGING=64 -D BEHIND=EPT -D HITS=4000000 -D MISSES=1000000 -o kernel.img kernel.asm
;
; PAGING   32 (2 levels of 4-KByte pages) or 64 (4 levels)
; BEHIND   NOTHING, EPT (VMX) or NPT (SVM): what translates guest-physical addresses, by 4-KByte pages
; BOOT     DISK (a boot sector that loads the rest) or MULTIBOOT
; HITS, MISSES   iterations of a phase over 64 pages, over 262144 pages
; ROUNDS   how often the phases are run
;
; The region at 1 GiB has 262144 pages. Natively they map 64 frames at 8 MiB. Behind nested tables they map 262144
; guest-physical pages at 4 GiB, which the nested tables map to the 64 frames.
;
; Markers, bit 7 set so that no banner of an emulator looks like one: A no load, B load from 64 pages, C load from 262144
; pages, D end of the round, Z end; "!" says that a page does not map what it should, "?" that VM entry failed.
%define MARK 0x80

%define NOTHING 0
%define EPT 1
%define NPT 2
%define DISK 0
%define MULTIBOOT 1
%ifndef PAGING
  %define PAGING 64
%endif
%ifndef BEHIND
  %define BEHIND NOTHING
%endif
%ifndef BOOT
  %define BOOT DISK
%endif
%ifndef HITS
  %define HITS 1000000
%endif
%ifndef MISSES
  %define MISSES 1000000
%endif
%ifndef ROUNDS
  %define ROUNDS 3
%endif

FRAMES        equ 0x00800000          ; 64 frames, the first byte of each is its number + 1
TABLES        equ 0x01000000
TEST_TABLES   equ 0x01010000          ; the page tables of the region: 2 MiB (64-bit), 1 MiB (32-bit)
NESTED        equ 0x02000000
NESTED_LOW    equ 0x02010000          ; 32 tables: the first 64 MiB one to one
NESTED_HIGH   equ 0x02100000          ; 512 tables: 4 GiB to 5 GiB
VM_PAGES      equ 0x03000000
STACK         equ 0x00780000
REGION        equ 0x40000000
DISTINCT_GPA_HI equ 1                 ; 4 GiB

%if BOOT == MULTIBOOT
org 0x100000
bits 32
start:
  jmp protected
align 4
header:
  dd 0x1BADB002, 0x00010000, -(0x1BADB002 + 0x00010000)
  dd header, start, kernel_end, kernel_end, start
%else
org 0x7c00
bits 16
start:
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  mov si, disk_packet
  mov ah, 0x42
  int 0x13
  jc $
  in al, 0x92
  or al, 2
  and al, 0xfe
  out 0x92, al
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 0x18:protected
align 4
disk_packet:
  dw 16, (kernel_end - second_sector + 511) / 512, 0x7e00, 0
  dq 1
times 510 - ($ - $$) db 0
  dw 0xaa55
second_sector:
%endif

align 8
gdt:
  dq 0
  dq 0x00af9b000000ffff               ; 0x08 64-bit code
  dq 0x00cf93000000ffff               ; 0x10 data
  dq 0x00cf9b000000ffff               ; 0x18 32-bit code
  dq 0x00008b0000000067               ; 0x20 busy TSS, for VM entry
  dq 0
gdt_pointer:
  dw gdt_pointer - gdt - 1
  dq gdt

bits 32
protected:
  cli
  cld
  lgdt [gdt_pointer]
  jmp 0x18:.flat
.flat:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov fs, ax
  mov gs, ax
  mov esp, STACK

  mov edi, TABLES                     ; all tables zero
  xor eax, eax
  mov ecx, (VM_PAGES + 0x10000 - TABLES) / 4
  rep stosd
  xor ecx, ecx                        ; frames
.frame:
  mov edi, ecx
  shl edi, 12
  lea eax, [ecx + 1]
  mov [edi + FRAMES], al
  inc ecx
  cmp ecx, 64
  jb .frame

%if PAGING == 32
  ; PD at TABLES; the first 4 MiB one to one, the region's 256 tables at TEST_TABLES.
  mov dword [TABLES], (TABLES + 0x1000) | 3
  xor ecx, ecx
.low:
  mov eax, ecx
  shl eax, 12
  or eax, 3
  mov [TABLES + 0x1000 + ecx * 4], eax
  inc ecx
  cmp ecx, 1024
  jb .low
  xor ecx, ecx
.directory:
  mov eax, ecx
  shl eax, 12
  add eax, TEST_TABLES | 3
  mov [TABLES + (REGION >> 20) + ecx * 4], eax
  inc ecx
  cmp ecx, 256
  jb .directory
  xor ecx, ecx
.page:
  mov eax, ecx
  and eax, 63
  shl eax, 12
  add eax, FRAMES | 3
  mov [TEST_TABLES + ecx * 4], eax
  inc ecx
  cmp ecx, 262144
  jb .page
  mov esp, 0x00300000
  mov eax, TABLES
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  jmp main
%else
  mov dword [TABLES], (TABLES + 0x1000) | 7
  mov dword [TABLES + 0x1000], (TABLES + 0x2000) | 7
  mov dword [TABLES + 0x1008], (TABLES + 0x3000) | 7
  xor ecx, ecx                        ; the first GiB one to one by 2-MByte pages, the region by tables
.directory:
  mov eax, ecx
  shl eax, 21
  or eax, 0x87
  mov [TABLES + 0x2000 + ecx * 8], eax
  mov eax, ecx
  shl eax, 12
  add eax, TEST_TABLES | 7
  mov [TABLES + 0x3000 + ecx * 8], eax
  inc ecx
  cmp ecx, 512
  jb .directory
  xor ecx, ecx
.page:
  mov eax, ecx
%if BEHIND == NOTHING
  and eax, 63
  shl eax, 12
  add eax, FRAMES | 7
%else
  shl eax, 12
  or eax, 7
  mov dword [TEST_TABLES + ecx * 8 + 4], DISTINCT_GPA_HI
%endif
  mov [TEST_TABLES + ecx * 8], eax
  inc ecx
  cmp ecx, 262144
  jb .page

%if BEHIND != NOTHING
%define NESTED_TABLE 7
%if BEHIND == EPT
  %define NESTED_LEAF 0x37            ; write-back
%else
  %define NESTED_LEAF 7
%endif
  mov dword [NESTED], (NESTED + 0x1000) | NESTED_TABLE
  mov dword [NESTED + 0x1000], (NESTED + 0x2000) | NESTED_TABLE
  mov dword [NESTED + 0x1000 + 4 * 8], (NESTED + 0x3000) | NESTED_TABLE
  xor ecx, ecx
.nested_low:
  mov eax, ecx
  shl eax, 12
  add eax, NESTED_LOW | NESTED_TABLE
  mov [NESTED + 0x2000 + ecx * 8], eax
  inc ecx
  cmp ecx, 32
  jb .nested_low
  xor ecx, ecx
.nested_low_page:
  mov eax, ecx
  shl eax, 12
  or eax, NESTED_LEAF
  mov [NESTED_LOW + ecx * 8], eax
  inc ecx
  cmp ecx, 32 * 512
  jb .nested_low_page
  xor ecx, ecx
.nested_high:
  mov eax, ecx
  shl eax, 12
  add eax, NESTED_HIGH | NESTED_TABLE
  mov [NESTED + 0x3000 + ecx * 8], eax
  inc ecx
  cmp ecx, 512
  jb .nested_high
  xor ecx, ecx
.nested_high_page:
  mov eax, ecx
  and eax, 63
  shl eax, 12
  add eax, FRAMES | NESTED_LEAF
  mov [NESTED_HIGH + ecx * 8], eax
  inc ecx
  cmp ecx, 262144
  jb .nested_high_page
%endif

  mov eax, cr4
  or eax, 0x20                        ; PAE
  mov cr4, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x900                       ; LME, NXE
%if BEHIND == NPT
  or eax, 0x1000                      ; SVME
%endif
  wrmsr
  mov eax, TABLES
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010020                  ; PG, WP, NE
  mov cr0, eax
  jmp 0x08:long_mode

bits 64
long_mode:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov rsp, STACK
%if BEHIND == EPT
  %include "vmx.inc"
%elif BEHIND == NPT
  %include "svm.inc"
%else
  jmp main
%endif
%endif

%if PAGING == 64
bits 64
  %define SI esi
  %define BASE rbx
  %define OFFSET rdx
%else
bits 32
  %define SI esi
  %define BASE ebx
  %define OFFSET edx
%endif

; One phase: marker, iterations, shift of the generator's value, whether it loads.
%macro phase 4
  mov al, %1 + MARK
  out 0xe9, al
  mov esi, %2
  mov eax, 12345
align 16
%%next:
  imul eax, eax, 1664525
  add eax, 1013904223
  mov edx, eax
  shr edx, %3
  shl edx, 12
%if %4
  movzx ecx, byte [BASE + OFFSET]
%endif
  dec esi
  jnz %%next
%endmacro

align 16
main:
  mov ebx, REGION
  mov edx, 5 << 12                    ; page 5 maps frame 5
  movzx ecx, byte [BASE + OFFSET]
  cmp ecx, 6
  je .right
  mov al, '!' + MARK
  out 0xe9, al
.right:
  mov edi, ROUNDS
.round:
  phase 'A', HITS, 26, 0
  phase 'B', HITS, 26, 1
  phase 'C', MISSES, 14, 1
  mov al, 'D' + MARK
  out 0xe9, al
  dec edi
  jnz .round
  mov al, 'Z' + MARK
  out 0xe9, al
.end:
  jmp .end

kernel_end:
